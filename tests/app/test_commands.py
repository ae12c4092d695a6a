"""The commands: their text for people, and their JSON for scripts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minisnn
from minisnn.commands import COMMANDS, main
from minisnn.data.load import load as load_data
from minisnn.fixed.model import load as load_integer
from minisnn.model import load
from minisnn.training.presets import NETWORK, PRESETS

ROOT = Path(__file__).parents[2]
QUICK = ["--topology", "16-10", "--epochs", "3", "--steps", "3", "--augment", "0", "--backend", "numpy"]


def train(out, *flags):
    return main(["train", "--out", str(out), *QUICK, *flags])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "m.npz"
    assert train(out) == 0
    return out


def test_train_prints_accuracy_rates_files_and_the_next_command(tmp_path, capsys):
    out = tmp_path / "m.npz"
    assert train(out) == 0
    text = capsys.readouterr().out
    for words in (
        "test accuracy",
        "over all 3 steps",
        "firing rate",
        "1 16 ",
        "2 10 ",
        f"model   {out}",
        f"figure  {tmp_path / 'm.png'}",
        f"next    minisnn evaluate {out} --dataset digits",
    ):
        assert words in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.npz", "m.png"]
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_the_rates_are_aligned(trained, capsys):
    main(["evaluate", str(trained), "--backend", "numpy"])
    lines = capsys.readouterr().out.splitlines()[2:]
    assert lines[0].split() == ["layer", "neurons", "firing", "rate"]
    assert len({len(line) for line in lines}) == 1  # each line ends below the header's end


def test_evaluate_json(trained, capsys):
    assert main(["evaluate", str(trained), "--dataset", "digits", "--json", "--backend", "numpy"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result) == ["accuracy", "firing_rates", "images", "num_steps"]
    assert 0 < result["accuracy"] <= 1 and len(result["firing_rates"]) == 2
    assert (result["images"], result["num_steps"]) == (len(load_data("digits").x_test), 3)


def test_evaluate_agrees_with_train_and_with_the_library(trained, tmp_path, capsys):
    train(tmp_path / "m.npz")
    text = capsys.readouterr().out
    main(["evaluate", str(tmp_path / "m.npz"), "--json", "--backend", "numpy"])
    accuracy = json.loads(capsys.readouterr().out)["accuracy"]
    data, model = minisnn.load_data("digits"), minisnn.load_model(trained, "numpy")
    assert f"test accuracy {100 * accuracy:.2f} %" in text
    assert minisnn.evaluate(model, data.x_test, data.y_test).accuracy == accuracy


def test_the_test_part_of_a_file_without_one_is_told(trained, tmp_path, capsys):
    digits, path = load_data("digits"), tmp_path / "mine.npz"
    np.savez(path, X=digits.x_train[:200], y=digits.y_train[:200])
    told = "(40 test images: the last of 200, because the file has no X_test)"
    for command in ("evaluate", "quantize"):
        assert main([command, str(trained), "--dataset", str(path)]) == 0
        assert told in " ".join(capsys.readouterr().out.split())
    np.savez(path, X=digits.x_train, y=digits.y_train, X_test=digits.x_test[:1], y_test=digits.y_test[:1])
    assert main(["evaluate", str(trained), "--dataset", str(path)]) == 0
    assert "over all 3 steps (1 test image)" in capsys.readouterr().out


def test_info(trained, capsys):
    assert main(["info", str(trained)]) == 0
    text = capsys.readouterr().out
    for words in (
        "16-10 on 8x8x1",
        "10 classes",
        "1,210 parameters",
        "beta",
        "threshold",
        "subtract",
        "direct, 3 steps",
        "seed 0",
        f"minisnn {minisnn.__version__}",
        f"numpy {np.__version__}",
        "epochs 3",
        "best validation",
    ):
        assert words in text
    assert main(["info", str(trained), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["network"]["topology"] == "16-10" and len(about["history"]) == 3


def test_info_of_integers(trained, tmp_path, capsys):
    out = tmp_path / "m.int.npz"
    assert main(["quantize", str(trained), "--weight-bits", "8,4", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["info", str(out)]) == 0
    text = capsys.readouterr().out
    model = minisnn.load_integer(out)
    widths = [[str(bits) for bits in (layer.weight_bits, layer.membrane_bits, 4)] for layer in model.network.layers]
    rows = [line.split() for line in text.splitlines() if line.startswith(("1 16 ", "2 10 "))]
    assert [row[4:7] for row in rows] == widths and [row[4] for row in rows] == ["8", "4"]
    assert [row[8] for row in rows] == [str(layer.threshold) for layer in model.network.layers]
    for words in ("weights of 8/4 bits", "1,210 parameters", "direct, 3 steps, pixels 0 to 31 (5 bits)", "on digits"):
        assert words in text
    assert main(["info", str(out), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["topology"] == "16-10" and about["layers"][1]["weight_bits"] == 4


def test_flags_reach_network_and_training(tmp_path):
    out = tmp_path / "m.npz"
    flags = (
        "--topology 4C3-20 --classes 10 --padding 1 --beta 0.5,0.9 --threshold 1,0.5 --reset zero "
        "--surrogate atan:2 --attach-reset --encoding rate --loss mse_count:0.7:0.1 "
        "--rate-penalty 0.1:0.2 --batch-size 64 --lr 0.01 --optimiser sgd "
        "--schedule cosine --weight-decay 0.1 --clip 2 --augment --validation 0.2 --patience 9 --seed 5 "
        "--threads 1 --figure none"
    )
    assert train(out, *flags.split()) == 0
    model = load(out, "numpy")
    net, settings = model.network, model.settings
    assert (net.topology, net.classes, net.padding) == ("4C3-20", 10, (1,))
    assert (net.betas, net.thresholds, net.reset) == ((0.5, 0.9), (1.0, 0.5), "zero")
    assert (str(net.surrogate), net.detach_reset, model.encoder.kind) == ("atan:2", False, "rate")
    expected = {
        "loss": "mse_count:0.7:0.1",
        "rate_penalty": "0.1:0.2",
        "batch_size": 64,
        "lr": 0.01,
        "optimiser": "sgd",
        "schedule": "cosine",
        "weight_decay": 0.1,
        "clip": 2.0,
        "augment": 2,
        "validation": 0.2,
        "patience": 9,
        "seed": 5,
        "epochs": 3,
        "num_steps": 3,
    }
    assert {name: settings[name] for name in expected} == expected
    assert list(tmp_path.iterdir()) == [out]  # no figure


def test_a_membrane_readout_selects_its_loss(tmp_path):
    assert train(tmp_path / "m.npz", "--readout", "membrane") == 0
    assert load(tmp_path / "m.npz", "numpy").settings["loss"] == "membrane"


def test_the_seed_decides_the_file(tmp_path):
    files = []
    for name, seed in (("a.npz", 0), ("b.npz", 0), ("c.npz", 1)):
        train(tmp_path / name, "--seed", str(seed), "--figure", "none")
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_custom_file(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "own.npz", X=rng.random((50, 7)), y=rng.integers(0, 3, 50))
    assert (
        main(
            [
                "train",
                "--dataset",
                str(tmp_path / "own.npz"),
                "--epochs",
                "2",
                "--backend",
                "numpy",
                "--out",
                str(tmp_path / "m.npz"),
            ]
        )
        == 0
    )
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "m.npz"), "--backend", "numpy"]) == 2
    assert "'own'; name the file with --dataset" in capsys.readouterr().err
    assert (
        main(["evaluate", str(tmp_path / "m.npz"), "--dataset", str(tmp_path / "own.npz"), "--backend", "numpy"]) == 0
    )


def test_an_old_model_stays_until_the_new_one_is_done(tmp_path, monkeypatch):
    from minisnn.training.loop import Training

    out = tmp_path / "m.npz"
    train(out, "--figure", "none")
    before = out.read_bytes()

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "one_epoch", interrupted)
        assert train(out, "--seed", "1", "--figure", "none") == 130
    assert out.read_bytes() == before
    assert train(out, "--seed", "1", "--figure", "none") == 0
    assert out.read_bytes() != before


def test_a_diverging_training_ends_with_one_sentence(tmp_path, capsys):
    assert train(tmp_path / "m.npz", "--lr", "1e30", "--optimiser", "sgd", "--schedule", "constant") == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert error[0].startswith("minisnn: error: epoch 1, batch ") and "layer 1 16" in error[0]
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid(name):
    from minisnn.network import Network
    from minisnn.training.settings import Settings

    preset = {"topology": "10", **PRESETS[name]}
    shape = {"digits": (8, 8, 1), "svhn": (32, 32, 3)}.get(name, (28, 28, 1))
    options = {key: preset.pop(key) for key in NETWORK if key in preset}
    classes = 8 if name == "moving-digits" else 10  # directions, digits
    assert Network(input_shape=shape, **options, rng=np.random.default_rng(0)).classes == classes
    Settings(**preset)


def test_train_warns_of_classes_without_images(tmp_path, capsys):
    flags = ["--epochs", "1", "--steps", "2", "--figure", "none", "--out", str(tmp_path / "m.npz")]
    assert main(["train", "--topology", "16-20", *flags]) == 0
    assert "the network answers with 20 classes, digits has 10; end --topology with 10" in capsys.readouterr().err
    assert main(["train", "--topology", "16-20", "--classes", "10", *flags]) == 0
    assert "warning" not in capsys.readouterr().err


def test_a_network_that_hardware_does_not_compute(tmp_path, capsys):
    """A pool of currents: floats and integers run it, and every command says why hardware does not."""
    model, integers = (str(tmp_path / name) for name in ("m.npz", "m.int.npz"))
    flags = ["--epochs", "1", "--steps", "2", "--figure", "none", "--init", "pytorch", "--backend", "numpy"]
    assert main(["train", "--topology", "4C3MP2-10", *flags, "--out", model]) == 0
    assert main(["quantize", model]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "note: layer 1 4C3MP2 pools its currents before the neurons" in said
    assert said.endswith(f"next minisnn evaluate {integers}")
    assert main(["evaluate", integers]) == 0
    for command in ("cycles", "cosim", "vhdl", "inspect"):
        out = ["--out", str(tmp_path / "design")] if command in ("vhdl", "inspect") else []
        assert main([command, integers, *out]) == 2
        assert "train a network of 4C3-MP2 for hardware" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"m.npz", "m.int.npz"}


def test_train_alone_takes_the_preset(tmp_path):
    preset = PRESETS["digits"]
    out = tmp_path / "m.npz"
    assert main(["train", "--out", str(out), "--epochs", "1"]) == 0
    model = load(out)
    assert model.network.topology == preset["topology"]
    expected = {name: value for name, value in preset.items() if name in model.settings} | {"epochs": 1}
    assert {name: model.settings[name] for name in expected} == expected
    # the preset's padding is for its topology, and not used for another
    assert train(out, "--topology", "4C3-10", "--figure", "none") == 0
    assert load(out).network.padding == (0,)


@pytest.mark.parametrize("command", [(), *[(name,) for name in COMMANDS]])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: minisnn") and max(map(len, text.splitlines())) <= 80
    if command == ("train",):
        for words in ("(default: 0.5)", "fast_sigmoid:5", "digits", "(default: numba)", "(default: model.npz)"):
            assert words in text


def test_without_arguments_the_commands_are_listed(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(f"    {name}" in text for name in COMMANDS)


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_python_m_minisnn_is_the_command():
    done = python("-m", "minisnn", "--version")
    assert (done.returncode, done.stdout) == (0, f"minisnn {minisnn.__version__}\n")


def test_a_closed_pipe_is_no_error(trained):
    done = subprocess.run(
        f"{sys.executable} -m minisnn info {trained} | true", shell=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr == ""


def test_importing_is_quick_and_does_nothing():
    heavy = ("numba", "scipy", "matplotlib", "tqdm", "numpy")
    code = f"import sys, minisnn; print([name for name in {heavy} if name in sys.modules])"
    assert python("-c", code).stdout == "[]\n"
    code = (
        "import sys, minisnn, minisnn.commands; "
        "[getattr(minisnn, name) for name in minisnn.__all__]; "
        f"print([name for name in {heavy[:4]} if name in sys.modules])"
    )
    assert python("-c", code).stdout == "[]\n"
    times = python("-X", "importtime", "-c", "import minisnn").stderr.splitlines()
    microseconds = next(int(line.split("|")[1]) for line in times if line.endswith("| minisnn"))
    assert microseconds < 300_000


def test_public_names():
    assert set(minisnn.__all__) <= set(dir(minisnn))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        minisnn.nothing


def test_quantize(trained, tmp_path, capsys):
    from minisnn.fixed.model import load as load_integers

    out = tmp_path / "m.int.npz"
    assert main(["quantize", str(trained), "--weight-bits", "4", "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    data = load_data("digits")
    integer = load_integers(out)
    assert printed["accuracy_after"] == integer.evaluate(data.x_test, data.y_test).accuracy
    before = minisnn.evaluate(minisnn.load_model(trained), data.x_test, data.y_test)
    assert printed["accuracy_before"] == before.accuracy
    assert all(layer["weight_bits"] == 4 and not layer["saturates"] for layer in printed["layers"])
    assert main(["quantize", str(trained), "--weight-bits", "2", "--finetune", "1", "--out", str(out)]) == 0
    table = capsys.readouterr().out
    assert "after 1 epoch of fine-tuning" in table and "largest error" in table and "never" in table
    assert load_integers(out).network.layers[0].weight_bits == 2 and not out.with_name("m.int.npz.checkpoint").exists()
    assert main(["quantize", str(trained), "--membrane-bits", "6", "--out", str(out)]) == 0
    table = capsys.readouterr().out
    assert "MAY SATURATE" in table and "warning: membranes may saturate in layer 1" in table


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--resume"], "--resume belongs to a fine-tuning"),
        (["--lr", "0.1"], "--lr belongs to a fine-tuning"),
        (["--finetune", "-1"], "--finetune must be"),
    ],
)
def test_quantize_refuses(trained, tmp_path, capsys, flags, words):
    assert main(["quantize", str(trained), *flags, "--out", str(tmp_path / "m.int.npz")]) == 2
    assert words in capsys.readouterr().err


def test_quantize_never_overwrites_the_model(trained, monkeypatch, capsys):
    """Another spelling of the same path is the same file."""
    monkeypatch.chdir(trained.parent)
    before = trained.read_bytes()
    assert main(["quantize", trained.name, "--out", str(trained)]) == 2
    assert "would overwrite the model" in capsys.readouterr().err and trained.read_bytes() == before


def test_train_prints_each_doubt_once_and_saves(tmp_path, capsys):
    digits = load_data("digits")
    path, out = tmp_path / "dim.npz", tmp_path / "m.npz"
    np.savez(path, X=digits.x_train[:80], y=digits.y_train[:80], X_test=digits.x_test // 16, y_test=digits.y_test)
    flags = ["--topology", "10", "--epochs", "1", "--steps", "1", "--backend", "numpy", "--figure", "none"]
    assert main(["train", "--dataset", str(path), *flags, "--out", str(out)]) == 0
    assert capsys.readouterr().err.count("warning: test images: the images' pixels go up to 1,") == 1
    assert out.exists()


def test_learned_constants_are_printed_and_kept(tmp_path, capsys):
    out = tmp_path / "m.npz"
    assert train(out, "--learn", "threshold,beta", "--figure", "none") == 0
    net, printed = load(out, "numpy").network, capsys.readouterr().out
    assert net.betas != (0.5, 0.5) and net.thresholds != (1.0, 1.0)
    for name, values in (("beta", net.betas), ("threshold", net.thresholds)):
        assert f"learned {name} {values[0]:.3f}, {values[1]:.3f}" in printed


def test_quantize_says_how_membranes_fit_the_hardware(trained, tmp_path, capsys):
    """With the flag that it names, membranes have the most bits that hardware takes."""
    from minisnn_hw.generate.specify import specify

    out = tmp_path / "m.int.npz"
    assert main(["quantize", str(trained), "--out", str(out), "--guard", "16"]) == 0
    printed = capsys.readouterr().out
    note, command = printed.partition("note: membranes of ")[2], printed.partition("next    ")[2].split()
    assert note.partition("quantize with ")[2].split()[:2] == command[-2:] and command[-2] == "--guard"
    assert command[:2] == ["minisnn", "quantize"] and "--weight-bits" not in command
    with pytest.raises(ValueError, match=f"`minisnn quantize MODEL {' '.join(command[-2:])}`"):
        specify(load_integer(out).network, (8, 8))
    assert main(command[1:]) == 0
    printed = capsys.readouterr().out
    assert "note: membranes" not in printed and f"next    minisnn cycles {out}" in printed
    network = load_integer(out).network
    assert max(layer.membrane_bits for layer in network.layers) == 31
    specify(network, (8, 8))


def test_quantize_for_hardware_keeps_the_other_flags(trained, tmp_path, capsys):
    """A width that was given is given anew; JSON has the note too."""
    flags = [str(trained), "--weight-bits", "8,4", "--out", str(tmp_path / "m.int.npz"), "--membrane-bits"]
    assert main(["quantize", *flags, "33"]) == 0
    assert f"next    {' '.join(['minisnn quantize', *flags, '31'])}" in capsys.readouterr().out
    for bits, words in (("33", "membranes of 33 bits"), ("31", "")):
        assert main(["quantize", *flags, bits, "--json"]) == 0
        note = json.loads(capsys.readouterr().out)["note"]
        assert (words in note) if words else note is None
