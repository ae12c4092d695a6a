"""The file of a state_dict, by ``minisnn import``: the model that the module itself gives, or a sentence."""

import json
import pickle

import numpy as np
import pytest

import minisnn as ms
from minisnn.commands import main
from minisnn.errors import InputError
from minisnn.interop.snntorch import Scale, load_state_dict

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
nn = torch.nn

FLAGS = ["--topology", "8C3-MP2-10", "--input-shape", "8,8,1", "--padding", "1", "--steps", "6", "--input-scale", "16"]


def network(*between, reset="subtract", **options):
    """Return an ``nn.Sequential`` of a convolution, neurons with learned constants, a pool, and a linear layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        *between,
        snn.Leaky(0.75, threshold=0.5, learn_beta=True, learn_threshold=True, reset_mechanism=reset, **options),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 10),
        snn.Leaky(0.9, reset_mechanism=reset, **options),
    )


@pytest.fixture
def weights(tmp_path):
    """Return a function that saves a state_dict, or other content, and returns its path."""

    def save(content):
        path = tmp_path / "weights.pt"
        torch.save(content.state_dict() if isinstance(content, nn.Module) else content, path)
        return str(path)

    return save


def load(path, topology="8C3-MP2-10", padding=1, num_steps=6, **options):
    return load_state_dict(path, topology, (8, 8, 1), padding=padding, num_steps=num_steps, **options)


def same(first, second):
    assert first.network.config() == second.network.config() and first.encoder == second.encoder
    for one, other in zip(first.network.params, second.network.params):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_a_file_gives_the_model_of_its_module(weights, tmp_path, capsys, reset):
    module = network(nn.BatchNorm2d(8), reset=reset)
    with torch.no_grad():
        module[1].running_mean += torch.linspace(0, 1, 8)
        module[1].running_var *= torch.linspace(0.5, 2, 8)
    out = tmp_path / "m.npz"
    assert main(["import", weights(module), *FLAGS, "--out", str(out), "--dataset", "digits"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    with pytest.warns(UserWarning, match="folded"):
        model = ms.from_snntorch(module, (8, 8, 1), num_steps=6, input_scale=16)
    imported = ms.load_model(out)
    same(imported, model)
    assert (imported.dataset, imported.network.betas, imported.network.thresholds) == ("digits", (0.75, 0.9), (0.5, 1))
    for words in (
        "weights.pt: 8C3-MP2-10, T = 6, 10 classes",
        f"1 8C3-MP2 8x8x1 8x8x8 512 80 0.75 0.5 {reset}",
        "- '1' (BatchNorm) is folded into the weights before it",
        "- the file does not hold the pools",
        "digits: accuracy ",
        f"model {out} next minisnn quantize {out}",
    ):
        assert words in text
    assert ("reset_delay" in text) == (reset == "subtract")
    assert "inputs are taken as they are" not in text


def test_json_has_the_notes(weights, tmp_path, capsys):
    out = tmp_path / "m.npz"
    flags = ["--topology", "8C3-MP2-10", "--input-shape", "8,8,1", "--padding", "1"]
    assert main(["import", weights(network()), *flags, "--out", str(out), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["model"] == str(out) and content["network"]["topology"] == "8C3-MP2-10"
    assert content["encoder"]["num_steps"] == 10 and content["accuracy"] is None
    assert len(content["notes"]) == 5 and any("taken as they are" in note for note in content["notes"])


def test_the_same_steps_as_for_other_models(weights, tmp_path, capsys):
    """Evaluate, quantise, cosimulate."""
    out = tmp_path / "m.npz"
    assert main(["import", weights(network()), *FLAGS, "--out", str(out), "--dataset", "digits", "--json"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["accuracy"]
    assert main(["evaluate", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == accuracy
    assert main(["quantize", str(out)]) == 0
    assert main(["cycles", str(tmp_path / "m.int.npz"), "--images", "2"]) == 0


def test_what_the_file_lacks_is_given(weights):
    bare = {name: tensor for name, tensor in network().state_dict().items() if name[0] in "04"}
    model, notes = load(weights(bare), beta=[0.75, 0.9], threshold=(0.5, 1.0), reset="zero", scale=Scale(input_scale=2))
    assert (model.network.betas, model.network.thresholds, model.network.reset) == ((0.75, 0.9), (0.5, 1.0), "zero")
    assert [note.partition(" does")[0] for note in notes] == ["the file"] * 2  # the pools, and the rest
    for missing in ("beta", "threshold", "reset"):
        given = {"beta": 0.5, "threshold": 1.0, "reset": "zero"}
        del given[missing]
        with pytest.raises(InputError, match=f"^{missing} must be given, because .* holds no neurons"):
            load(weights(bare), **given)
    with pytest.raises(InputError, match="^beta has 3 values for 2 layers"):
        load(weights(bare), beta=[0.5] * 3, threshold=1.0, reset="zero")


def test_reset_delay_is_given_by_the_reset(weights):
    path = weights(network())
    model, notes = load(path, reset="subtract_then_leak", beta=[0.75, 0.9])
    assert model.network.reset == "subtract_then_leak"
    assert not any("reset_delay: True" in note for note in notes) and any("reset_delay=False" in n for n in notes)
    with pytest.raises(
        InputError, match="reset zero contradicts .*, whose layer '1' .Leaky. has subtract; leave it out"
    ):
        load(path, reset="zero")
    with pytest.raises(InputError, match="beta 0.5 contradicts .*, whose layer '1' .Leaky. has 0.75; leave it out"):
        load(path, beta=0.5)


def test_spikes_that_differ_without_delay_are_counted(weights, tmp_path, capsys):
    """An import with --dataset lets snnTorch run the test images."""
    flags = [*FLAGS, "--reset", "subtract_then_leak", "--dataset", "digits", "--out", str(tmp_path / "m.npz")]
    assert main(["import", weights(network(reset_delay=False)), *flags, "--json"]) == 0
    [told] = [note for note in json.loads(capsys.readouterr().out)["notes"] if note.startswith("on 359 test images")]
    assert "snnTorch with reset_delay=False gives" in told and "in layer 1 8C3-MP2, " in told


def test_layers_in_another_order_are_paired(weights):
    entries = network().state_dict()
    names = {"0": "conv", "1": "lif1", "4": "fc", "5": "lif2"}
    ordered = sorted(entries, key=lambda name: "0415".index(name[0]))
    renamed = {f"net.{names[name[0]]}{name[1:]}": entries[name] for name in ordered}
    same(load(weights({"epoch": 3, "model": renamed}))[0], load(weights(entries))[0])
    _, notes = load(weights({"epoch": 3, "model": renamed}))
    assert notes[0] == "the file is a checkpoint, of which the entry 'model' is read"


def test_without_pools_no_topology_is_needed(weights):
    module = nn.Sequential(nn.Linear(64, 5), snn.Leaky(0.9, reset_mechanism="zero"))
    model, notes = load_state_dict(weights(module), num_steps=3, scale=Scale(input_scale=1))
    assert (model.network.topology, model.network.input_shape) == ("5", (64,))
    assert [note.partition(":")[0] for note in notes] == ["the file does not say, so it is assumed"]


def test_what_a_file_cannot_tell_is_told(weights):
    convolutions = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), snn.Leaky(0.9), nn.Linear(128, 5), snn.Leaky(0.9))
    for module, options, words in (
        (network(), {}, "stride 1, dilation 1, no inhibition and no state_quant"),
        (convolutions, {"topology": None}, "stride 1, dilation 1, no pools, no inhibition"),
    ):
        assert any(words in note for note in load(weights(module), **options)[1])
    grouped = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1, groups=2), snn.Leaky(0.9), nn.Linear(128, 5), snn.Leaky(0.9))
    with pytest.raises(InputError, match="layer '0' .Conv2d. takes 1 channels, but gets 2; groups are not carried"):
        load_state_dict(weights(grouped), input_shape=(8, 8, 2), padding=1)


def without(module, *names):
    return {name: tensor for name, tensor in module.state_dict().items() if name not in names}


def changed(name, tensor):
    return {**network().state_dict(), name: tensor}


REFUSED = {
    "topology": (network(), {"topology": "16C3-MP2-10"}, "topology 16C3-MP2-10 does not fit .* holds 8C3-10"),
    "layers": (network(), {"topology": "8C3-MP2-10-10"}, "topology 8C3-MP2-10-10 does not fit"),
    "padding": (
        network(),
        {"padding": 0},
        "layer '4' .Linear. takes 128 inputs, but gets 3x3x8 = 72: the input shape, a padding",
    ),
    "pool before": (
        network(nn.MaxPool2d(1)),
        {},
        "MP2 pools spikes, after the neurons, but a layer without weights stands between '0' .Conv2d. and '2' .Leaky.",
    ),
    "no place": (
        nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), snn.Leaky(0.9), nn.Linear(128, 10), snn.Leaky(0.9)),
        {},
        "MP2 has no place in the network, where '2' .Linear. follows '1' .Leaky.",
    ),
    "synaptic": (
        nn.Sequential(nn.Linear(4, 3), snn.Synaptic(0.9, 0.8)),
        {},
        "layer '1' is of Synaptic or Alpha neurons",
    ),
    "recurrent": (
        nn.Sequential(nn.Linear(4, 3), snn.RLeaky(0.9, linear_features=3)),
        {},
        "layer '1' is of recurrent neurons",
    ),
    "one dimension": (
        nn.Sequential(nn.Conv1d(1, 2, 3)),
        {},
        "layer '0' with the entries weight, bias cannot be carried",
    ),
    "oblong": (
        nn.Sequential(nn.Conv2d(1, 2, (2, 3)), snn.Leaky(0.9)),
        {},
        "layer '0' .Conv2d.: a kernel of 2x3 cannot be",
    ),
    "shared neurons": (without(network(), *[n for n in network().state_dict() if n[0] == "1"]), {}, "and 1 of neurons"),
    "betas": (changed("1.beta", torch.tensor([0.5, 0.6])), {}, "layer '1' .Leaky.: beta differs between neurons"),
    "graded": (
        changed("5.graded_spikes_factor", torch.tensor(2.0)),
        {},
        "layer '5' .Leaky.: graded_spikes_factor=2 cannot be",
    ),
    "reset": (
        changed("1.reset_mechanism_val", torch.tensor(7)),
        {},
        "layer '1' .Leaky.: reset_mechanism_val must be 0, 1 or 2",
    ),
    "hidden none": (network(reset="none"), {}, "layer '1' .Leaky. has reset none"),
    "nothing": ({"a": 1}, {}, "is no state_dict; save one with"),
    "two": (
        {"net": network().state_dict(), "mean": network().state_dict()},
        {},
        "holds 2 state_dicts .'net', 'mean'.; save",
    ),
    "no weights": (nn.Sequential(snn.Leaky(0.9)), {}, "holds no weights"),
    "a whole module": ([nn.Linear(2, 2)], {}, "holds more than tensors, such as a whole module, which is not loaded"),
}


@pytest.mark.parametrize("content, options, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_told(weights, content, options, sentence):
    with pytest.raises(InputError, match=sentence):
        load(weights(content), **options)


def test_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="does not exist; name a file"):
        load(tmp_path / "no.pt")
    with pytest.raises(InputError, match="is a folder; name a file"):
        load(tmp_path)
    ms.Model(ms.Network("3", (2,), rng=np.random.default_rng(0)), ms.Encoder("direct", 2)).save(tmp_path / "m.npz")
    torch.save(network().state_dict(), tmp_path / "whole.pt")
    content = (tmp_path / "whole.pt").read_bytes()
    for name, stored, words in (
        ("text.pt", b"hello", "damaged, or no file of torch.save"),
        ("empty.pt", b"", "empty"),
        ("cut.pt", content[: len(content) // 2], "damaged, or no file of torch.save"),
        ("m.pt", (tmp_path / "m.npz").read_bytes(), "already a model of minisnn, and needs no import"),
    ):
        (tmp_path / name).write_bytes(stored)
        with pytest.raises(InputError, match=f"{name} is {words}; name a file of torch.save"):
            load(tmp_path / name)


def test_the_order_of_torch_is_guessed(weights):
    with pytest.raises(InputError, match=r"got \(1, 8, 8\), which seems to be torch's order; give 8,8,1"):
        load_state_dict(weights(network()), "8C3-MP2-10", (1, 8, 8))
    with pytest.raises(InputError, match=r"got \(1, 8, 8\), which seems to be torch's order; give 8,8,1"):
        ms.from_snntorch(network(), (1, 8, 8))


def test_files_without_a_shape(tmp_path):
    with pytest.raises(InputError, match="must be given, .height, width, channels."):
        torch.save(network().state_dict(), tmp_path / "w.pt")
        load_state_dict(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_code_of_a_file_runs(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    (tmp_path / "trap.pt").write_bytes(pickle.dumps({"w": Trap()}))
    torch.save({"w": Trap()}, tmp_path / "zip.pt")
    for name in ("trap.pt", "zip.pt"):
        with pytest.raises(InputError, match="could run code"):
            load(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_flags_are_named_in_sentences(weights, tmp_path, capsys):
    path = weights(network())
    for flags, sentence in [
        ([], "error: --input-shape must be given"),
        ([*FLAGS, "--input-scale", "0"], "error: --input-scale must be a number above 0, got 0.0"),
        ([*FLAGS, "--std=-1"], "error: --std must be a number, or one for each channel, above 0, got -1.0"),
        ([*FLAGS, "--topology", "8C3-10"], "error: layer '4' (Linear) takes 128 inputs, but gets 8x8x8 = 512"),
        ([*FLAGS, "--reset", "zero"], "error: --reset zero contradicts"),
        ([*FLAGS, "--out", str(tmp_path / "m.pt")], "error: --out"),
        ([*FLAGS, "--dataset", "mnist", "--data", str(tmp_path)], "error: "),
    ]:
        assert main(["import", path, *flags]) == 2
        assert sentence in capsys.readouterr().err


DAMAGED = {
    "sparse": ("0.weight", torch.ones(8, 1, 3, 3).to_sparse(), "the entry '0.weight' is sparse, quantised or complex"),
    "complex": ("0.bias", torch.ones(8, dtype=torch.complex64), "the entry '0.bias' is sparse, quantised or complex"),
    "empty": ("1.beta", torch.ones(0), "layer '1' .Leaky.: beta is empty"),
    "not finite": ("1.beta", torch.tensor(np.nan), "layer '1' .Leaky.: beta must be finite"),
    "resets": ("1.reset_mechanism_val", torch.tensor([0, 1]), "layer '1' .Leaky.: reset_mechanism_val differs"),
    "a bias too long": ("0.bias", torch.ones(9), "layer '0' .Conv2d.: biases must have shape .8,., got .9,."),
    "a weight that is none": (
        "0.weight",
        torch.full((8, 1, 3, 3), np.inf),
        "weights of layer '0' .Conv2d. must be finite",
    ),
}


@pytest.mark.parametrize("name, tensor, sentence", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_entry_is_named(weights, name, tensor, sentence):
    with pytest.raises(InputError, match=sentence):
        load(weights(changed(name, tensor)))


def test_a_normalisation_that_does_not_fit_is_named(weights):
    entries = network(nn.BatchNorm2d(8)).state_dict()
    with pytest.raises(InputError, match="layer '1' has entries of different shapes"):
        load(weights({**entries, "1.running_var": torch.ones(7)}))
    seven = {f"1.{name}": torch.ones(7) for name in ("weight", "bias", "running_mean", "running_var")}
    with pytest.raises(
        InputError, match="layer '1' .BatchNorm. cannot be folded into '0' .Conv2d.: their numbers of channels differ"
    ):
        load(weights({**entries, **seven}))
    with pytest.raises(InputError, match="layer '2' with the entries .* cannot be carried"):
        load(weights(without(network(nn.BatchNorm2d(8)), "2.threshold")))


def test_what_an_import_forgot_is_named_and_the_origin_is_printed(weights, tmp_path, capsys):
    path, out = weights(nn.Sequential(nn.Linear(64, 10), snn.Leaky(0.9))), str(tmp_path / "m.npz")
    for flags, words in (
        ([], "got (359, 8, 8, 1); for an imported network, add --input-shape 8,8,1 to minisnn import"),
        (["--input-shape", "1,8,8"], "add --input-shape 8,8,1 to minisnn import"),
        (["--input-shape", "8,8,1"], "same scale, or, for an imported network, add --input-scale 16 to minisnn import"),
    ):
        assert main(["import", path, "--out", out, "--dataset", "digits", *flags]) == 2
        assert words in capsys.readouterr().err
    right = ["--input-shape", "8,8,1", "--input-scale", "16", "--dataset", "digits"]
    assert main(["import", path, "--out", out, *right]) == 0
    assert f"imported from snnTorch (torch {torch.__version__})" in repr(ms.load_model(out))
    assert main(["quantize", out, "--backend", "numpy", "--out", str(tmp_path / "m.int.npz")]) == 0
    for file in ("m.npz", "m.int.npz"):
        capsys.readouterr()
        assert main(["info", str(tmp_path / file)]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert f"imported from snnTorch (torch {torch.__version__}), for digits, by minisnn" in text
        assert "trained on" not in text
