"""Wrong files, flags and values: one sentence that names the culprit, exit status 2, no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minisnn.commands import main

ROOT = Path(__file__).parents[2]

# (flags of `minisnn train`, or arguments of `minisnn`; words that the sentence must contain)
TRAIN = [
    ("--dataset cats", "unknown data set 'cats'"),
    ("--dataset nowhere.npz", "nowhere.npz does not exist"),
    ("--dataset text.npz", "text.npz is not an .npz file; write it with"),
    ("--dataset pickled.npz", "pickled.npz: array X holds Python objects; only plain numbers are read"),
    ("--dataset no_y.npz", "no_y.npz has no array y"),
    ("--dataset short.npz", "short.npz: labels of shape (9,) do not fit 10 images"),
    ("--dataset fractions.npz", "fractions.npz: labels must be whole numbers"),
    ("--dataset nan.npz", "nan.npz: X has values that are not finite"),
    ("--dataset mnist --data nowhere", "nowhere does not exist"),
    ("--dataset mnist --data text.npz", "the data folder text.npz is no folder"),
    ("--dataset mnist --data .", "train-images-idx3-ubyte.gz is missing"),
    ("--dataset digits --data .", "digits takes no data folder, got .: digits come with the package"),
    ("--dataset flat.npz --data .", "flat.npz takes no data folder, got .: a file is named by its whole path"),
    ("--dataset n-mnist", "n-mnist is not downloaded; name the folder with its Train and Test (--data)"),
    ("--dataset n-mnist --data bad", "holds no recording (*.bin); unpack Train.zip and Test.zip of N-MNIST into bad"),
    ("--dataset moving-digits --data .", "moving-digits takes no data folder, got .: digits come with the package"),
    ("--dataset moving-digits", "--steps must be a whole number from 2, got 1"),
    ("--dataset moving-digits --steps 3 --encoding rate", "encoding rate does not fit moving-digits, which has record"),
    (
        "--dataset moving-digits --steps 3 --augment 16",
        "--augment must be less than the longer side of an image, 16x16",
    ),
    ("--dataset events.npz", "--steps must be 4, the steps of the recordings in events, got 1; leave it out, or bin"),
    (
        "--dataset events.npz --steps 4 --encoding direct",
        "encoding direct does not fit events, which has recordings of",
    ),
    ("--dataset floats.npz", "floats.npz: events must be uint8, counts of events, got float64; convert them with"),
    ("--encoding events", "encoding events does not fit digits, which has still images; choose one of direct, rate,"),
    ("--dataset svhn --data bad", "train_32x32.mat is not a complete MATLAB 5 file"),
    ("--dataset one.npz", "all training images of one are of class 0, which leaves nothing to learn; give images of"),
    ("--dataset flat.npz --augment 2", "augment shifts images"),
    ("--topology 16X3-10", "cannot read '16X3'"),
    ("--topology 16C9-10", "a kernel of 9 does not fit the 8x8 frame"),
    ("--topology 16C3", "must end in a fully connected output layer"),
    ("--topology 16-5", "digits has 10 classes"),
    ("--topology 16-15 --classes 10", "classes must divide the 15 neurons"),
    ("--padding one", "--padding: must be 0, 1, 2, ... or same"),
    ("--topology 16C3-10 --padding -1", "padding must be 0, 1, 2, ... or 'same', got -1"),
    ("--beta 1.5", "beta must be between 0 and 1, got 1.5"),
    ("--beta leaky", "--beta: must be a number"),
    ("--beta 0.5,0.5,0.5", "beta has 3 values for 2 layers"),
    ("--threshold 0", "threshold must be above 0, got 0"),
    ("--threshold nan", "threshold must be above 0, got nan"),
    ("--reset none", "reset must be one of"),
    ("--readout both", "readout must be one of spikes, membrane, got 'both'"),
    ("--readout membrane --loss rate", "loss rate counts spikes"),
    ("--surrogate relu:1", "unknown surrogate 'relu'"),
    ("--surrogate atan", "surrogate 'atan' is not of the form"),
    ("--surrogate atan:-2", "scale of surrogate atan must be a number above 0"),
    ("--encoding morse", "unknown encoding 'morse'"),
    ("--steps 0", "error: --steps must be a whole number from 1, got 0"),
    ("--loss hinge", "unknown loss 'hinge'"),
    ("--loss mse_count:2:0", "cannot read loss 'mse_count:2:0'"),
    ("--rate-penalty much", "cannot read rate penalty 'much'"),
    ("--epochs 0", "epochs must be a whole number from 1, got 0"),
    ("--epochs many", "--epochs: must be a whole number, got 'many'"),
    ("--batch-size -3", "--batch-size must be a whole number from 1, got -3"),
    ("--lr 0", "lr must be a learning rate above 0, got 0.0"),
    ("--lr nan", "lr must be a learning rate above 0, got nan"),
    ("--optimiser rmsprop", "unknown optimiser 'rmsprop'"),
    ("--schedule step", "unknown schedule 'step'"),
    ("--weight-decay -1", "--weight-decay must be at least 0, got -1.0"),
    ("--clip 0", "clip must be a norm above 0, got 0.0"),
    ("--augment -1", "augment must be a whole number from 0, got -1"),
    ("--augment 8", "--augment must be less than the longer side of an image, 8x8 in digits, got 8"),
    ("--validation 1", "validation must be a share"),
    ("--validation 0.0001", "validation 0.0001 of"),
    ("--patience 3 --validation 0", "patience needs validation images"),
    ("--seed -1", "seed must be a whole number from 0, got -1"),
    ("--threads 0", "threads must be a whole number from 1"),
    ("--backend cuda", "backend must be one of numba, numpy, got 'cuda'"),
    ("--out model.h5", "--out model.h5 must name a file that ends in .npz"),
    ("--out nowhere/m.npz", "--out nowhere/m.npz must name a file"),
    ("--out folder.npz", "--out folder.npz must name a file"),
    ("--figure m.jpg", "--figure m.jpg must name a file that ends in .png"),
    ("--figure nowhere/m.png", "--figure nowhere/m.png must name a file"),
    ("--out started.npz", "started.npz.checkpoint; pass --resume to continue it, or delete it"),
    ("--out started.npz --resume", "its list of arrays cannot be read; delete it to start anew"),
    ("--out flat.npz", "--out flat.npz exists and is no model of minisnn; name another file"),
    ("--out text.npz", "--out text.npz exists and is no model of minisnn; name another file"),
    ("--out other.npz --resume", "other.npz.checkpoint is a model file, not a checkpoint file"),
    ("--speed 9", "unrecognized arguments: --speed 9"),
]
OTHERS = [
    ("fly", "unknown command 'fly'; choose one of train, import, "),
    ("trian", "unknown command 'trian'; did you mean train?"),
    ("train --epoch 1", "unrecognized arguments: --epoch 1; did you mean --epochs?"),
    ("train --epoch=1", "unrecognized arguments: --epoch=1; did you mean --epochs?"),
    ("train --lr x", "--lr: must be a number, got 'x'"),
    ("train --steps 0", "error: --steps must be a whole number from 1, got 0"),
    ("cycles small.int.npz --lanes -1/2", "a value that begins with '-' is written with '='"),
    ("sweep --budget -3", "--budget: must be a number of minutes from 0, got '-3'"),
    ("reproduce --budget nan", "--budget: must be a number of minutes from 0, got 'nan'"),
    ("evaluate", "arguments are required: MODEL"),
    ("evaluate nowhere.npz", "nowhere.npz does not exist"),
    ("evaluate folder.npz", "folder.npz is a folder"),
    ("evaluate text.npz", "text.npz is not an .npz file; name a model file"),
    ("evaluate model.npz --exit 0", "--exit: must be lossless, or a whole number of spikes from 1, got '0'"),
    ("evaluate cut.npz", "cut.npz is damaged"),
    ("evaluate flat.npz", "flat.npz is not a model file of minisnn"),
    ("evaluate pickled.npz", "pickled.npz: array X holds Python objects"),
    ("evaluate future.npz", "future.npz has format version 2"),
    ("evaluate model.npz --dataset cats", "unknown data set 'cats'"),
    ("evaluate model.npz --dataset flat.npz", "images must have shape (n, 8, 8, 1) to fit the network"),
    ("evaluate model.npz --dataset events.npz", "images must have shape (n, 8, 8, 1) to fit the network"),
    ("evaluate model.npz --dataset moving-digits", "images must have shape (n, 8, 8, 1) to fit the network"),
    ("evaluate model.npz --dataset many.npz", "labels must be 0 to 9, one for each class"),
    ("evaluate model.npz --dataset bright.npz", "pixels go up to 240, those that the model was trained on up to 16"),
    ("evaluate model.npz --dataset dark.npz", "pixels go up to 1, those that the model was trained on up to 16"),
    ("evaluate model.npz --backend cuda", "backend must be one of numba, numpy, got 'cuda'"),
    ("evaluate model.npz --threads x", "--threads: must be a whole number, got 'x'"),
    ("quantize", "arguments are required: MODEL"),
    ("quantize model.npz --weight-bits 1", "--weight-bits must be a whole number from 2 to 16, got 1"),
    ("quantize model.npz --weight-bits 4,4,4", "--weight-bits has 3 values for 2 layers"),
    ("quantize model.npz --weight-bits x", "must be a number of bits, or a list such as 8,4,4,8, got 'x'"),
    ("quantize model.npz --rounding up", "rounding must be floor or zero, got 'up'"),
    ("quantize model.npz --frac 20", "frac must be a whole number from 0 to 16, got 20"),
    ("quantize model.npz --input-bits 0", "--input-bits must be a whole number from 1 to 16, got 0"),
    ("quantize model.npz --input-bits 32", "--input-bits must be a whole number from 1 to 16, got 32"),
    ("quantize model.npz --membrane-bits 99", "--membrane-bits must be a whole number from 2 to 40, got 99"),
    ("quantize model.npz --finetune -1", "--finetune must be a number of epochs from 0, got -1"),
    ("quantize model.npz --finetune 1 --lr -1", "lr must be a learning rate above 0"),
    ("quantize model.npz --out model.npz", "would overwrite the model"),
    ("quantize model.npz --out flat.npz", "--out flat.npz exists and is no model of minisnn; name another file"),
    ("quantize model.npz --out nowhere/m.npz", "in a folder that exists"),
    ("quantize model.npz --dataset flat.npz --out new.npz", "images must have shape (n, 8, 8, 1) to fit the network"),
    ("quantize torch.pt", "name a model file (.npz) that minisnn wrote: minisnn import makes a model of a network of"),
    ("evaluate graph.nir", "minisnn import makes a model of a network of snnTorch or NIR"),
    ("quantize flat.npz", "flat.npz is not a model file of minisnn"),
    ("cycles", "arguments are required: MODEL"),
    (
        "cycles model.npz",
        "model.npz holds floats; this command needs integers: run `minisnn quantize",
    ),
    ("cycles small.int.npz --lanes 4", "lanes must be one number for each of 2 layers, got 4"),
    ("cycles small.int.npz --lanes 4/11", "layer 2 has 10 output channels: its lanes must be 1 to 10, got 11"),
    ("cycles small.int.npz --lanes 4,4", "--lanes: must be whole numbers joined by '/', such as 32/32/8/8, got '4,4'"),
    ("cycles small.int.npz --balance 1", "a budget of 1 adders is too small for 2 layers"),
    ("cycles small.int.npz --multipliers 8", "--multipliers is a budget of --balance; add --balance, or leave it out"),
    ("cycles small.int.npz --block-ram 8", "--block-ram is a budget of --balance; add --balance, or leave it out"),
    ("cycles small.int.npz --taps 2/1", "layer 1 is fully connected: its taps must be 1, got 2"),
    ("cycles small.int.npz --taps nine", "--taps: must be whole numbers joined by '/', such as 9/3/1/1, got 'nine'"),
    ("cycles small.int.npz --positions 4/1", "layer 1 has no pool: its positions must be 1, got 4"),
    ("cosim small.int.npz --positions 1", "positions must be one number for each of 2 layers, got 1"),
    (
        "cycles small.int.npz --balance 8 --positions 1/1",
        "--balance chooses the taps, and --positions depend on them; give --taps too, or leave it out",
    ),
    ("cycles small.int.npz --balance", "--balance needs a budget of adders, as in --balance 48, or --device"),
    (
        "cycles small.int.npz --device ecp6",
        "--device must be one of ecp5-25k, ecp5-45k, ecp5-85k, gw2ar-18, got 'ecp6'",
    ),
    ("cycles small.int.npz --balance 8 --lanes 4/4", "--balance chooses the lanes, so --lanes cannot be given too"),
    ("cycles small.int.npz --schedule fast", "schedule must be one of pipelined, layerwise, dense, got 'fast'"),
    *(
        (f"{words} --exit 2", "this network's answer is read from membranes, which may change by any amount")
        for words in ("evaluate read.int.npz", "cycles read.int.npz", "cosim read.int.npz")
    ),
    ("vhdl read.int.npz --out new --exit 2", "early exit compares the spike counts of several classes"),
    (
        "cycles small.int.npz --exit 2 --schedule dense",
        "--schedule dense takes all steps, and --exit ends images before",
    ),
    ("cosim small.int.npz --exit 0", "--exit: must be lossless, or a whole number of spikes from 1, got '0'"),
    ("cycles small.int.npz --word-every 0", "--word-every: must be a whole number from 1, got '0'"),
    ("cycles small.int.npz --images x", "--images: must be a whole number from 1, got 'x'"),
    ("cycles small.int.npz --figure f.jpg", "--figure f.jpg must name a file that ends in .png"),
    ("cycles small.int.npz --figure f.png --schedule layerwise", "--figure shows layers that overlap"),
    ("cycles small.int.npz --dataset flat.npz", "images must have shape (n, 8, 8, 1) to fit the network"),
    ("cycles small.int.npz --dataset wide.npz", "pixels go up to 240, those that the model was trained on up to 16"),
    ("cosim", "arguments are required: MODEL"),
    ("cosim nowhere.npz", "nowhere.npz does not exist"),
    ("cosim small.int.npz --simulator modelsim", "--simulator must be myhdl, ghdl or verilator, got 'modelsim'"),
    ("cosim small.int.npz --lanes 17/1", "layer 1 has 16 output channels: its lanes must be 1 to 16, got 17"),
    ("cosim small.int.npz --images 360", "--images must be at most 359, the number of test images, got 360"),
    ("cycles small.int.npz --images 360", "--images must be at most 359, the number of test images, got 360"),
    ("train --topology=", "--topology must be text such as '32C3-MP2-256-10', got ''"),
    ("cosim small.int.npz --images 0", "--images: must be a whole number from 1, got '0'"),
    (
        "cosim large.int.npz",
        "hardware takes up to 31; make it anew with `minisnn quantize MODEL --membrane-bits 31`",
    ),
    ("info", "arguments are required: MODEL"),
    ("info nowhere.npz", "nowhere.npz does not exist"),
    ("info shape.npz", "shape.npz: array 1.w is float32 of shape (2, 2)"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the wrong files, and one right model."""
    folder = tmp_path_factory.mktemp("bad")
    x, y = np.full((10, 8, 8), 16, np.uint8), np.arange(10)
    arrays = {
        "no_y": {"X": x},
        "short": {"X": x, "y": y[:9]},
        "fractions": {"X": x, "y": y + 0.5},
        "nan": {"X": np.full((10, 4), np.nan), "y": y},
        "flat": {"X": x.reshape(10, 64), "y": y},
        "one": {"X": x, "y": 0 * y},
        "many": {"X": np.repeat(x, 3, 0), "y": np.arange(30)},
        "bright": {"X": 15 * x, "y": y},
        "dark": {"X": np.repeat(x / 16, 5, 0), "y": np.repeat(y, 5)},
        "wide": {"X": np.repeat(15 * x, 5, 0), "y": np.repeat(y, 5)},
        "events": {"events": np.ones((10, 4, 6, 6, 2), np.uint8), "y": y},
        "floats": {"events": np.ones((10, 4, 6, 6, 2)), "y": y},
    }
    for name, content in arrays.items():
        np.savez(folder / f"{name}.npz", **content)
    np.savez(folder / "pickled.npz", X=np.array([{}]), y=y)
    (folder / "text.npz").write_text("not a zip archive")
    (folder / "folder.npz").mkdir()
    (folder / "bad").mkdir()
    (folder / "bad" / "train_32x32.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    _models(folder)
    return folder


def _models(folder):
    assert (
        main(
            [
                "train",
                "--out",
                str(folder / "model.npz"),
                "--topology",
                "16-10",
                "--epochs",
                "1",
                "--steps",
                "1",
                "--backend",
                "numpy",
                "--figure",
                "none",
            ]
        )
        == 0
    )
    read = ["--topology", "10", "--epochs", "1", "--steps", "2", "--readout", "membrane", "--backend", "numpy"]
    assert main(["train", "--out", str(folder / "membrane.npz"), *read, "--figure", "none"]) == 0
    for name, source, *flags in (
        ("small", "model"),
        ("large", "model", "--membrane-bits", "40"),
        ("read", "membrane"),
    ):
        assert main(["quantize", str(folder / f"{source}.npz"), "--out", str(folder / f"{name}.int.npz"), *flags]) == 0
    whole = (folder / "model.npz").read_bytes()
    (folder / "torch.pt").write_bytes((folder / "flat.npz").read_bytes())  # torch writes archives too
    (folder / "graph.nir").write_bytes(b"\x89HDF")
    (folder / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (folder / "started.npz.checkpoint").write_bytes(whole[:1000])
    (folder / "other.npz.checkpoint").write_bytes(whole)
    with np.load(folder / "model.npz") as content:
        arrays = dict(content)
    np.savez(folder / "shape.npz", **arrays | {"1.w": np.zeros((2, 2), np.float32)})
    about = json.loads(str(arrays["about"])) | {"format": 2}
    np.savez(folder / "future.npz", **arrays | {"about": np.array(json.dumps(about))})


def check(arguments, culprit, capsys):
    """Assert exit status 2 and one sentence that names the culprit."""
    try:
        status = main(arguments)
    except SystemExit as end:  # argparse
        status = end.code
    out, error = capsys.readouterr()
    assert status == 2
    (sentence,) = error.splitlines()
    assert sentence.startswith("minisnn: error: ")
    assert culprit in sentence
    assert "Traceback" not in out + error


@pytest.mark.parametrize("flags, culprit", TRAIN)
def test_train(flags, culprit, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    small = ["--epochs", "1", "--steps", "1", "--backend", "numpy", "--out", "new.npz"]
    if "--topology" not in flags and "--dataset" not in flags:
        small += ["--topology", "16-10"]
    check(["train", *small, *flags.split()], culprit, capsys)
    assert sorted(folder.rglob("*")) == before  # nothing was written


@pytest.mark.parametrize("arguments, culprit", OTHERS)
def test_other_commands(arguments, culprit, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    check(arguments.split(), culprit, capsys)
    assert sorted(folder.rglob("*")) == before


def test_no_memory_is_a_sentence_too(monkeypatch, capsys, folder):
    from minisnn import model

    def too_large(*args, **options):
        raise MemoryError("Unable to allocate 9. TiB")

    monkeypatch.setattr(model, "load", too_large)
    check(["info", str(folder / "model.npz")], "not enough memory (Unable to allocate 9. TiB)", capsys)


def test_as_a_process(folder):
    done = subprocess.run(
        [sys.executable, "-m", "minisnn", "evaluate", str(folder / "cut.npz")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("minisnn: error: ") and len(done.stderr.splitlines()) == 1
