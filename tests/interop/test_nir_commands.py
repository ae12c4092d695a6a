"""NIR files on the command line: export, import, and the wrong uses of both."""

import re
import shlex

import numpy as np
import pytest

from minisnn.commands import main
from minisnn.data.load import load as load_data
from minisnn.encode import Encoder
from minisnn.model import Model, load
from minisnn.network import Network
from minisnn.training.inference import predict

pytest.importorskip("h5py")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a model of each reset and files of other kinds."""
    monkeypatch.chdir(tmp_path)
    flags = ["--epochs", "1", "--steps", "4", "--backend", "numpy", "--figure", "none", "--padding", "1"]
    for reset in ("zero", "subtract"):
        assert main(["train", "--topology", "4C3-MP2-10", "--reset", reset, "--out", f"{reset}.npz", *flags]) == 0
    (tmp_path / "text.nir").write_text("text")
    return tmp_path


def test_a_model_goes_out_and_comes_back(folder, capsys):
    capsys.readouterr()
    assert main(["export", "zero.npz", "--nir", "out.nir", "--dt", "0.002"]) == 0
    printed = capsys.readouterr().out
    assert "out.nir: 4C3-MP2-10, for a time step of 0.002" in printed
    assert "takes   raw pixels up to 16, 1x8x8, the same at every step" in printed
    back = re.search("^back    minisnn (.*)$", printed, re.M)[1]
    assert main([*shlex.split(back), "--out", "back.npz", "--dataset", "digits"]) == 0
    printed = capsys.readouterr().out
    noted = printed.partition("left out:\n")[2].partition("\n\n")[0]
    assert noted == "- one step is 0.002 in the unit of the file's tau, by --dt"
    assert "4C3-MP2-10, T = 4, 10 classes" in printed and "accuracy" in printed
    images = load_data("digits").x_test
    before, after = (predict(load(f"{name}.npz", "numpy"), images) for name in ("zero", "back"))
    np.testing.assert_array_equal(before, after)
    assert main(["quantize", "back.npz", "--backend", "numpy"]) == 0
    assert main(["export", "back.npz", "--nir", "out.nir"]) == 0, "a NIR file may be replaced"


def test_another_coding_and_a_population_come_back(folder, capsys):
    flags = ["--epochs", "1", "--steps", "4", "--backend", "numpy", "--figure", "none", "--reset", "zero"]
    assert (
        main(["train", "--topology", "20", "--classes", "10", "--encoding", "latency", "--out", "m.npz", *flags]) == 0
    )
    capsys.readouterr()
    assert main(["export", "m.npz", "--nir", "out.nir"]) == 0
    printed = capsys.readouterr().out
    assert "takes   at each step what latency coding gives, 1x8x8" in printed
    assert main([*shlex.split(re.search("^back    minisnn (.*)$", printed, re.M)[1]), "--out", "back.npz"]) == 0
    ours, again = load("m.npz", "numpy"), load("back.npz", "numpy")
    images = load_data("digits").x_test
    np.testing.assert_array_equal(predict(again, images), predict(ours, images))


WRONG = [
    ("export subtract.npz --nir out.nir", "neurons of NIR are reset to a value, and lack reset 'subtract'"),
    ("export zero.npz --nir out.npz", "--nir out.npz must name a file that ends in .nir"),
    ("export zero.npz --nir text.nir", "--nir text.nir exists and is no NIR file; name another file"),
    ("export zero.npz --nir nowhere/out.nir", "cannot write nowhere/out.nir"),
    ("export zero.npz --nir out.nir --dt 0", "--dt must be a number above 0, in the unit of the time constants, got 0"),
    ("export nowhere.npz --nir out.nir", "nowhere.npz does not exist"),
    ("export zero.npz", "the following arguments are required: --nir"),
    ("import nowhere.nir --dt 1e-4", "nowhere.nir does not exist; name a .nir file"),
    ("import text.nir --dt 1e-4", "text.nir is not an HDF5 file, as NIR files are"),
    ("import good.nir", "--dt must be given, one time step in the unit of tau: node 'neurons1' (LIF) of good.nir"),
    ("import good.nir --dt nan", "--dt must be a number above 0, in the unit of the time constants, got nan"),
    ("import good.nir --dt 1", "good.nir: node 'neurons1' (LIF) has tau 0.0002, shorter than dt 1"),
    ("import good.nir --dt 1e-4 --topology 4C3-10", "--topology is told by the .nir file good.nir; leave it out"),
    ("import good.nir --dt 1e-4 --padding 0", "--padding is told by the .nir file good.nir; leave it out"),
    ("import good.nir --dt 1e-4 --input-shape 4,4,4", "--input-shape (4, 4, 4) contradicts good.nir"),
    ("import good.nir --dt 1e-4 --reset none", "--reset must be one of zero, subtract, subtract_then_leak"),
    ("import good.nir --dt 1e-4 --steps 0", "the number of steps must be a whole number from 1, got 0"),
    ("import good.nir --dt 1e-4 --classes 3", "good.nir: classes must divide the 10 neurons"),
    ("import good.nir --dt 1e-4 --out text.nir", "--out text.nir must name a file that ends in .npz"),
    ("import zero.npz --dt 1e-4", "--dt is for .nir files, and zero.npz is none; leave it out"),
]


def test_wrong_uses_get_one_sentence(folder, capsys):
    assert main(["export", "zero.npz", "--nir", "good.nir"]) == 0
    before = sorted(folder.iterdir())
    for line, words in WRONG:
        capsys.readouterr()
        try:
            status = main(line.split())
        except SystemExit as end:  # argparse's own
            status = end.code
        sentence = capsys.readouterr().err
        assert status == 2 and words in sentence and sentence.count("\n") == 1, (line, sentence)
    assert sorted(folder.iterdir()) == before


def test_a_model_of_recordings_comes_back(folder, capsys):
    net = Network("4C3-MP2-3", (8, 8, 2), reset="zero", rng=np.random.default_rng(0))
    Model(net, Encoder("events", 6, 4.0, (0.0, 0.0), (1.0, 1.0))).save("events.npz")
    capsys.readouterr()
    assert main(["export", "events.npz", "--nir", "out.nir"]) == 0
    back = re.search("^back    minisnn (.*)$", capsys.readouterr().out, re.M)[1]
    assert main([*shlex.split(back), "--out", "back.npz"]) == 0
    again = load("back.npz", "numpy")
    assert again.encoder == load("events.npz", "numpy").encoder
    for ours, theirs in zip(again.network.params, net.params):
        np.testing.assert_array_equal(ours, theirs)
