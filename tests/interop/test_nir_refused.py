"""NIR files that cannot be read: one sentence with the file, the node, the reason and the remedy; nothing hangs."""

import os

import numpy as np
import pytest

from minisnn.errors import InputError
from minisnn.interop import nir_apart
from minisnn.interop.nir import load

nir = pytest.importorskip("nir")
h5py = pytest.importorskip("h5py")

from tests.interop.nir_graphs import SUM, W34, W3222, conv2d, flatten, if_, lif, line, maps, normal, pooled, row  # noqa

DT = 1e-4
DENSE = nir.Affine(W34, np.zeros(3, np.float32))
INPUT, OUTPUT = nir.Input({"input": np.array([4])}), nir.Output({"output": np.array([3])})


def full(count, **fields):
    return {name: np.full(count, value, np.float32) for name, value in fields.items()}


def cuba(count):
    return nir.CubaLIF(**full(count, tau_syn=1e-3, tau_mem=1e-3, r=1.0, v_leak=0.0, v_threshold=1.0, v_reset=0.0))


def graph(edges, **nodes):
    """A graph of named nodes between "in" and "out"."""
    pairs = [tuple(edge.split(">")) for edge in edges.split()]
    return nir.NIRGraph({"in": INPUT, **nodes, "out": OUTPUT}, pairs, type_check=False)


def convolution(conv, shape=(2, 7, 6)):
    """A convolution in a network that would be read if it were another one."""
    return maps(conv, if_((3, 7, 6)), flatten(3, 7, 6), nir.Linear(normal(3, 126)), lif(3), shape=shape)


def dense_after(*pool):
    return maps(conv2d(W3222, (7, 6), 1), if_((3, 7, 6)), *pool, nir.Linear(normal(3, 27)), lif(3))


def pool(kernel, stride=None, padding=0):
    return nir.SumPool2d(
        *(value if isinstance(value, int) else np.array(value) for value in (kernel, stride or kernel, padding))
    )


LOOP = {"w": nir.Linear(W34), "s": lif(3), "rec": nir.Linear(normal(3, 3)), "s2": lif(3)}
# The graph, and the words that the sentence must have, in their order.
REFUSED = {
    "synapses that leak": (row(DENSE, cuba(3)), "node '1' (CubaLIF) cannot be read: its synapses; train with LIF"),
    "an integrator": (row(DENSE, nir.LI(**full(3, tau=1e-3, r=1.0, v_leak=0.0))), "node '1' (LI); never spikes"),
    "a delay": (row(nir.Delay(np.full(4, 1e-3)), DENSE, lif(3)), "node '0' (Delay); no delays"),
    "a scale": (row(nir.Scale(np.full(4, 2.0)), DENSE, lif(3)), "node '0' (Scale); multiply the weights"),
    "an average": (dense_after(nir.AvgPool2d(2, 2, 0), flatten(3, 3, 3)), "node '2' (AvgPool2d); SumPool2d and a Thr"),
    "a graph within": (
        graph("in>w w>sub sub>out", w=DENSE, sub=graph("in>s s>out", s=lif(3))),
        "node 'sub' (NIRGraph); graph within the graph",
    ),
    "a sum": (dense_after(SUM, flatten(3, 3, 3)), "node '2' (SumPool2d) sums spikes for node '3' (Flatten); Threshold"),
    "a high threshold": (pooled(SUM, nir.Threshold(np.full((3, 3, 3), 1.0))), "node '3' (Threshold) has threshold 1"),
    "a negative threshold": (pooled(SUM, nir.Threshold(np.float32(-0.5))), "node '3' (Threshold) has threshold -0.5"),
    "windows apart": (dense_after(pool(2, 3)), "node '2' (SumPool2d) has kernel_size 2, stride 3 and padding 0"),
    "a wide window": (dense_after(pool([2, 3])), "node '2' (SumPool2d) has kernel_size (2, 3); square"),
    "a padded window": (dense_after(pool(2, 2, 1)), "node '2' (SumPool2d) has kernel_size 2, stride 2 and padding 1"),
    "a large window": (dense_after(pool(9)), "node '2' (SumPool2d) has a window of 9; larger than maps (3, 7, 6)"),
    "a pool of inputs": (maps(SUM, flatten(2, 3, 3)), "node '0' (SumPool2d) does not follow the neurons"),
    "a threshold alone": (row(DENSE, lif(3), nir.Threshold(np.ones(3))), "node '2' (Threshold) does not follow a Sum"),
    "a stride": (convolution(conv2d(W3222, (7, 6), 1, 2)), "node '0' (Conv2d) has stride 2"),
    "two strides": (convolution(conv2d(W3222, (7, 6), 1, (1, 2))), "node '0' (Conv2d) has stride (1, 2)"),
    "a dilation": (convolution(conv2d(W3222, (7, 6), 1, 1, 2)), "node '0' (Conv2d) has dilation 2"),
    "groups": (convolution(conv2d(W3222[:, :1], (7, 6), 1, 1, 1, 2)), "node '0' (Conv2d) has groups 2"),
    "a long kernel": (convolution(conv2d(W3222[..., :2], (7, 6), 1)), "node '0' (Conv2d) has a kernel of 3x2; square"),
    "two paddings": (convolution(conv2d(W3222, (7, 6), (1, 0))), "node '0' (Conv2d) has padding (1, 0)"),
    "a negative padding": (convolution(conv2d(W3222, (7, 6), (-1, -1))), "node '0' (Conv2d) has padding (-1, -1)"),
    "same of an even kernel": (
        convolution(conv2d(W3222[..., :2, :2], (7, 6), "same")),
        "node '0' (Conv2d) has padding 'same' and a kernel of 2",
    ),
    "a large kernel": (convolution(conv2d(normal(3, 2, 9, 9), (7, 6))), "node '0' (Conv2d) has a kernel of 9"),
    "other channels": (convolution(conv2d(W3222, (7, 6), 1), (5, 7, 6)), "node '0' (Conv2d) takes maps of 2 channels"),
    "another frame": (convolution(conv2d(W3222, (9, 9), 1)), "node '0' (Conv2d) has input_shape (9, 9); (7, 6)"),
    "a convolution of rows": (row(conv2d(W3222, (7, 6)), if_(3)), "node '0' (Conv2d) takes maps of 2 channels; (4,)"),
    "maps into a row": (maps(nir.Linear(normal(3, 84)), lif(3)), "node '0' (Linear) takes a row, and gets maps"),
    "half flattened": (
        maps(flatten(2, 7, 6, dims=(1, -1)), nir.Linear(normal(3, 84)), lif(3)),
        "node '0' (Flatten) flattens dimensions 1 to -1 of (2, 7, 6)",
    ),
    "other inputs": (row(DENSE, lif(3), inputs=5), "node '0' (Affine) takes 4 inputs, and gets 5"),
    "other outputs": (row(DENSE, lif(3), outputs=5), "node 'output' (Output) has shape (5,), and gets (3,)"),
    "other neurons": (row(DENSE, lif(5)), "node '1' (LIF) has; of shape (5,), and gets (3,)"),
    "maps at the end": (
        line(nir.Input({"input": np.array([2, 7, 6])}), conv2d(W3222, (7, 6), 1), if_((3, 7, 6)), OUTPUT),
        "node 'output' (Output) does not follow fully connected neurons",
    ),
    "nothing at all": (row(), "node 'output' (Output) does not follow fully connected neurons"),
    "no neurons": (row(DENSE, nir.Linear(normal(3, 3)), lif(3)), "node '0' (Affine) is followed by node '1' (Linear)"),
    "no neurons at the end": (row(DENSE), "node '0' (Affine) is followed by node 'output' (Output)"),
    "no weights": (row(lif(4)), "node '0' (LIF) does not follow weights"),
    "a resting potential": (
        row(DENSE, lif(3, v_leak=0.2)),
        "node '1' (LIF) has v_leak 0.2; add v_leak / r to the biases",
    ),
    "a reset to another value": (row(DENSE, lif(3, v_reset=-1.0)), "node '1' (LIF) has v_reset -1"),
    "an IF reset to another value": (row(DENSE, if_(3, v_reset=0.5)), "node '1' (IF) has v_reset 0.5"),
    "an IF with a gain": (row(DENSE, if_(3, r=2.0)), "node '1' (IF) has r 2; multiply its weights by r"),
    "a negative v_threshold": (row(DENSE, lif(3, threshold=-1.0)), "node '1' (LIF) has v_threshold -1; above 0"),
    "a v_threshold of 0": (row(DENSE, if_(3, threshold=0.0)), "node '1' (IF) has v_threshold 0; above 0"),
    "neurons that differ": (
        row(DENSE, lif(3, tau=np.array([1e-3, 2e-3, 1e-3]))),
        "node '1' (LIF) has tau from 0.001 to",
    ),
    "a short tau": (row(DENSE, lif(3, tau=5e-5)), "node '1' (LIF) has tau 5e-05, shorter than dt 0.0001"),
    "a tau of 0": (row(DENSE, lif(3, tau=0.0)), "node '1' (LIF) has tau 0; above 0"),
    "an endless tau": (row(DENSE, lif(3, tau=np.inf, r=np.inf)), "node '1' (LIF) has values in; not finite"),
    "a gain too large": (
        row(nir.Linear(1000 * W34), lif(3, r=3e38)),
        "node '0' (Linear) has weights that times r*dt/tau",
    ),
    "weights of three axes": (
        row(nir.Linear(normal(1, 3, 4)), lif(3)),
        "node '0' (Linear) has weights of shape (1, 3, 4)",
    ),
    "other biases": (row(nir.Affine(W34, np.zeros(2)), lif(3)), "node '0' (Affine) has biases of shape (2,) for 3"),
    "weights without outputs": (
        row(nir.Linear(np.zeros((0, 4))), lif(3)),
        "node '0' (Linear) has weights of shape (0, 4)",
    ),
    "an input of two axes": (
        line(nir.Input({"input": np.array([7, 6])}), flatten(7, 6), nir.Linear(normal(3, 42)), lif(3), OUTPUT),
        "node 'input' (Input) has shape (7, 6), and minisnn takes (C, H, W) or (N,)",
    ),
    "an input of nothing": (row(DENSE, lif(3), inputs=0), "node 'input' (Input) has shape (0,)"),
    "recurrence": (
        graph("in>w w>s s>rec rec>s s>out", w=DENSE, s=lif(3), rec=nir.Linear(normal(3, 3))),
        "node 's' (LIF) is recurrent, by way of 'rec'; train without recurrence",
    ),
    "a neuron that feeds itself": (graph("in>w w>s s>s s>out", w=DENSE, s=lif(3)), "node 's' (LIF) is recurrent"),
    "a ring": (graph("in>w w>s s>in", w=DENSE, s=lif(3)), "node 'in' (Input) is reached from 's'"),
    "a branch": (
        graph("in>w w>s s>out s>w2", w=DENSE, s=lif(3), w2=nir.Linear(normal(3, 3))),
        "node 's' (LIF) leads to 2 nodes ('out', 'w2')",
    ),
    "a sum of two": (
        graph("in>w w>s w2>s s>out", w=DENSE, s=lif(3), w2=DENSE),
        "node 's' (LIF) is reached from 2 nodes ('w', 'w2')",
    ),
    "an edge twice": (graph("in>w in>w w>s s>out", w=DENSE, s=lif(3)), "node 'in' (Input) leads to 2 nodes"),
    "an end in the middle": (graph("in>w w>s", w=DENSE, s=lif(3)), "node 's' (LIF) leads nowhere"),
    "a stray node": (
        graph("in>w w>s s>out", w=DENSE, s=lif(3), other=DENSE),
        "node 'other' (Affine) is not on the way from the input to the output",
    ),
    "two inputs": (
        graph("in>w w>s s>out in2>w", w=DENSE, s=lif(3), in2=INPUT),
        "has 2 Input nodes ('in', 'in2'), and minisnn reads a network with one",
    ),
    "two outputs": (graph("in>w w>s s>out", w=DENSE, s=lif(3), b=OUTPUT), "has 2 Output nodes ('b', 'out')"),
    "no input": (nir.NIRGraph({"w": DENSE, "o": OUTPUT}, [("w", "o")], type_check=False), "has no Input node"),
    "no output": (nir.NIRGraph({"i": INPUT, "w": DENSE}, [("i", "w")], type_check=False), "has no Output node"),
    "an edge to nowhere": (graph("in>x", w=DENSE), "edge 'in' -> 'x' names a node that does not exist, 'x'"),
    "a long name": (graph("in>a a>out", a=DENSE, **{"b" * 1000: INPUT}), f"('{'b' * 37}...', 'in')"),
    "no nodes": (nir.NIRGraph({}, [], type_check=False), "has no Input node"),
}


def sentence_of(path, dt=DT):
    """The sentence with which a file is refused: one line that begins with the file and is not too long."""
    with pytest.raises(InputError) as error:
        nir_apart.content(path, dt)  # in this process, which is quicker
    text = str(error.value)
    assert text.startswith(str(path)) and "\n" not in text and len(text) < 400 + len(str(path)), text
    return text


def assert_words(text, words):
    """The parts of `words` between semicolons stand in the text in this order."""
    position = 0
    for part in words.split("; "):
        assert part in text[position:], text
        position = text.index(part, position) + len(part)


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_cannot_be_carried_is_refused_by_its_node(name, tmp_path):
    network, words = REFUSED[name]
    nir.write(tmp_path / "m.nir", network)
    assert_words(sentence_of(tmp_path / "m.nir"), words)


def test_dt_is_asked_for(tmp_path):
    nir.write(tmp_path / "m.nir", row(DENSE, lif(3)))
    with pytest.raises(
        InputError, match=r"dt must be given, .* node '1' \(LIF\) of .*m.nir has tau 0.0002; snn.* 0.0001"
    ):
        load(tmp_path / "m.nir")
    for wrong in (0, -1e-4, float("nan"), float("inf"), "1e-4", True, None.__class__):
        with pytest.raises(InputError, match="dt must be a number above 0"):
            load(tmp_path / "m.nir", wrong)
    nir.write(tmp_path / "if.nir", row(DENSE, if_(3)))
    assert nir_apart.content(tmp_path / "if.nir", None).layers[0].beta == 1


# Damaged files


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of a file that can be read, with every type of node."""
    path = tmp_path_factory.mktemp("nir") / "sound.nir"
    nir.write(path, pooled(SUM, nir.Threshold(np.full((3, 3, 3), 0.5))))
    assert load(path, DT)[0].network.topology == "3C3-MP2-3"
    return path.read_bytes()


def replaced(name, value, **options):
    """A change of a file: another array, or none."""

    def change(file):
        del file[name]
        if value is not None:
            file.create_dataset(name, data=value, **options)

    return change


def linked(name, link):
    def change(file):
        del file[name]
        file[name] = link

    return change


def grouped(name):
    def change(file):
        del file[name]
        file.create_group(name)

    return change


def untold(file):
    """An array of 8 TB, of which nothing is stored."""
    del file["node/nodes/0/weight"]
    file.create_dataset("node/nodes/0/weight", (10**6, 10**6), "f8", chunks=(1000, 1000))


def barely_told(file):
    untold(file)
    file["node/nodes/0/weight"][0, 0] = 1.0


def external(file):
    del file["node/nodes/0/weight"]
    file.create_dataset("node/nodes/0/weight", (3, 2, 3, 3), "f4", external=[("/dev/zero", 0, 216)])


def virtual(file):
    del file["node/nodes/0/weight"]
    layout = h5py.VirtualLayout((3, 2, 3, 3), "f4")
    layout[...] = h5py.VirtualSource("/dev/zero", "x", (3, 2, 3, 3))
    file.create_virtual_dataset("node/nodes/0/weight", layout)


NAN = np.where(np.arange(54).reshape(3, 2, 3, 3) == 7, np.nan, 0.5)
DAMAGED = {
    "no node": (replaced("node", None), "is not a NIR file: it lacks node"),
    "an array as node": (replaced("node", 1.0), "is not a NIR file: it has no group node"),
    "no type": (replaced("node/type", None), "is not a NIR file: it lacks type"),
    "another type": (replaced("node/type", "LIF"), "is not a NIR file: it holds 'LIF', and not a NIRGraph"),
    "a number as type": (replaced("node/type", 3), "is not a NIR file: it holds something without a type"),
    "no edges": (replaced("node/edges", None), "is not a NIR file: it lacks edges"),
    "numbers as edges": (
        replaced("node/edges", np.eye(2)),
        "it has edges as float64 of shape (2, 2)",
    ),
    "edges of three": (
        replaced("node/edges", [[b"a", b"b", b"c"]]),
        "it has edges as; of shape (1, 3), and not",
    ),
    "a row of edges": (replaced("node/edges", [b"a", b"b"]), "it has edges as; of shape (2,), and not as pairs"),
    "one edge": (replaced("node/edges", "input"), "it has edges as; of shape (), and not as pairs"),
    "no nodes": (replaced("node/nodes", None), "is not a NIR file: it lacks nodes"),
    "a node without a type": (replaced("node/nodes/1/type", None), "it has node '1', which lacks type"),
    "a node that is an array": (replaced("node/nodes/1", 1.0), "is not a NIR file: it has no group node '1'"),
    "a node of a number": (replaced("node/nodes/1/type", 1.5), "it has node '1', whose type is no text"),
    "a node of two types": (replaced("node/nodes/1/type", [b"LIF", b"IF"]), "it has node '1', whose type is no text"),
    "an unknown node": (replaced("node/nodes/1/type", "Neuron"), "node '1' (Neuron) cannot be read; does not know"),
    "a type of two lines": (replaced("node/nodes/1/type", "LIF\nof mine"), "node '1' ('LIF\\nof mine') cannot be read"),
    "a type without an end": (replaced("node/nodes/1/type", "x" * 9999), f"node '1' ('{'x' * 37}...') cannot be read"),
    "bytes that are no text": (
        replaced("node/nodes/1/type", np.bytes_(b"\xff\xfe")),
        "node '1' ('\\\\xff\\\\xfe') cannot be read; does not know",
    ),
    "no weights": (replaced("node/nodes/0/weight", None), "node '0' (Conv2d) lacks weight"),
    "no bias": (replaced("node/nodes/0/bias", None), "node '0' (Conv2d) lacks bias"),
    "no stride": (replaced("node/nodes/0/stride", None), "node '0' (Conv2d) lacks stride"),
    "no tau": (replaced("node/nodes/6/tau", None), "node '6' (LIF) lacks tau"),
    "no v_leak": (replaced("node/nodes/6/v_leak", None), "node '6' (LIF) lacks v_leak"),
    "no shape": (replaced("node/nodes/input/shape", None), "node 'input' (Input) lacks shape"),
    "texts as weights": (
        replaced("node/nodes/0/weight", [b"a", b"b"]),
        "has weight as text of shape (2,), and not",
    ),
    "complex weights": (replaced("node/nodes/0/weight", NAN + 1j), "has weight as complex128 of shape; not as numbers"),
    "boolean weights": (replaced("node/nodes/0/weight", NAN > 0), "has weight as bool of shape; not as numbers"),
    "structures as weights": (
        replaced("node/nodes/0/weight", np.zeros(3, [("a", "f4"), ("b", "i4")])),
        "has weight as [('a'; of shape (3,), and not as numbers",
    ),
    "a reference": (
        replaced("node/nodes/0/weight", np.array([None], h5py.ref_dtype), dtype=h5py.ref_dtype),
        "node '0' (Conv2d) has weight as text of shape (1,), and not as numbers",
    ),
    "NaN": (replaced("node/nodes/0/weight", NAN), "node '0' (Conv2d) has values in weight that are not finite"),
    "infinite biases": (replaced("node/nodes/0/bias", np.full(3, np.inf)), "has values in bias that are not finite"),
    "a stride of fractions": (
        replaced("node/nodes/0/stride", 1.5),
        "has stride as float64 of shape ()",
    ),
    "a stride of nothing": (replaced("node/nodes/0/stride", np.zeros(0, int)), "has stride; of"),
    "a padding of three": (replaced("node/nodes/0/padding", [1, 1, 1]), "has padding (1, 1, 1)"),
    "a padding in words": (replaced("node/nodes/0/padding", "mirror"), "has padding 'mirror' and a kernel of 3"),
    "a huge padding": (replaced("node/nodes/0/padding", 2**62), "node '1' (IF) has"),
    "an empty array": (replaced("node/nodes/0/weight", h5py.Empty("f4")), "weight of node '0' has no data in the file"),
    "data that were never written": (untold, "weight of node '0' has no data in the file"),
    "8 TB in a small file": (
        barely_told,
        "array weight of node '0' claims 8000.0 GB, which so small a file cannot hold",
    ),
    "data in another file": (external, "weight of node '0' has no data in the file"),
    "data put together": (virtual, "weight of node '0' has no data in the file"),
    "a link to nowhere": (linked("node/nodes/0/weight", h5py.SoftLink("/x")), "node '0' (Conv2d) has no array weight"),
    "a link to a file": (
        linked("node/nodes/0", h5py.ExternalLink("/dev/zero", "/")),
        "is not a NIR file: it has no group node '0'",
    ),
    "a group as weights": (grouped("node/nodes/0/weight"), "node '0' (Conv2d) has no array weight"),
    "a group as type": (grouped("node/nodes/0/type"), "it has node '0', which has no array type"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(name, sound, tmp_path):
    path = tmp_path / "m.nir"
    path.write_bytes(sound)
    change, words = DAMAGED[name]
    with h5py.File(path, "r+") as file:
        change(file)
    assert_words(sentence_of(path), words)


def test_a_group_in_itself_ends(sound, tmp_path):
    """HDF5 lets a group be its own member; only what a network needs is read."""
    path = tmp_path / "m.nir"
    path.write_bytes(sound)
    with h5py.File(path, "r+") as file:
        file["node/nodes/self"] = file["node/nodes"]
    assert_words(sentence_of(path), "it has node 'self', which lacks type")


@pytest.mark.parametrize("part", [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_refused(part, sound, tmp_path):
    path = tmp_path / "m.nir"
    path.write_bytes(sound[: int(part * len(sound))])
    assert_words(sentence_of(path), "is damaged or cut off")


def test_what_is_no_file_of_hdf5_is_refused(tmp_path):
    for name, content in (("empty", b""), ("text", b"a network"), ("zip", b"PK\x03\x04" + bytes(100))):
        (tmp_path / name).write_bytes(content)
        assert_words(sentence_of(tmp_path / name), "is not an HDF5 file, as NIR files are; name a .nir file")
    assert_words(sentence_of(tmp_path / "nowhere.nir"), "does not exist; name a .nir file")
    assert_words(sentence_of(tmp_path), "is a folder")
    os.mkfifo(tmp_path / "pipe")
    assert_words(sentence_of(tmp_path / "pipe"), "is no file")


@pytest.mark.parametrize("seed", range(12))
def test_bytes_changed_at_random_are_read_or_refused(seed, sound, tmp_path):
    """In one sentence; a few of those that tests/benchmarks/fuzz.py tries for longer."""
    rng, path = np.random.default_rng(seed), tmp_path / "m.nir"
    content = bytearray(sound)
    for place in rng.integers(0, len(content), 20):
        content[place] = rng.integers(0, 256)
    path.write_bytes(content)
    try:
        load(path, DT)
    except InputError as error:
        assert "\n" not in str(error) and str(error).startswith(str(path))


def test_a_library_that_loops_or_crashes_is_ended(sound, tmp_path, monkeypatch):
    path = tmp_path / "m.nir"
    path.write_bytes(sound)
    monkeypatch.setattr(nir_apart, "SECONDS", 1)
    for code in ("exec('while True: pass')", "os.abort()", "os.kill(os.getpid(), 11)"):
        with monkeypatch.context() as patch:
            patch.setattr(
                nir_apart, "_CHILD", nir_apart._CHILD.replace("main()", f"import os; main(lambda *_: {code})")
            )
            with pytest.raises(InputError, match="m.nir is damaged: HDF5's library crashes on it, or finds no end"):
                load(path, DT)


def test_sentences_come_from_the_other_process(sound, tmp_path):
    path = tmp_path / "m.nir"
    path.write_bytes(sound[:1000])
    with pytest.raises(InputError, match="m.nir is damaged or cut off"):
        load(path, DT)
    path.write_bytes(sound)
    with pytest.raises(InputError, match=r"m.nir: node '6' \(LIF\) has tau 0.001, shorter than dt 1, "):
        load(path, 1)


def test_without_h5py_one_sentence_says_what_to_install(sound, tmp_path, monkeypatch):
    path = tmp_path / "m.nir"
    path.write_bytes(sound)
    (tmp_path / "h5py.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"NIR files need h5py: pip install 'minisnn\[interop\]'"):
        load(path, DT)
