"""Small faults in the gates: each is put into a copy of the blocks, and the tests of the suite must notice it."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# (block, what stands there, what is put there, the tests that must fail)
FAULTS = {
    "fires at the threshold": (
        "lif",
        "spikes and u > theta",
        "spikes and u >= theta",
        "test_lif.py::test_gates_equal_integers",
    ),
    "no saturation above": (
        "parts/accumulate",
        "result.next = high",
        "result.next = total[width:].signed()",
        "hw/test_lanes.py::test_accumulate",
    ),
    "no saturation below": (
        "parts/accumulate",
        "result.next = low",
        "result.next = total[width:].signed()",
        "hw/test_lanes.py::test_accumulate",
    ),
    "rounds up": (
        "lif",
        "left[:] = leaked >> frac",
        "left[:] = (leaked + 1) >> frac",
        "test_lif.py::test_gates_equal_integers",
    ),
    "keeps the membrane after the image": (
        "lif",
        "if clear or (zeroes",
        "if (zeroes",
        "test_lif.py::test_gates_equal_integers",
    ),
    "forgets the addition before": (
        "parts/sum_control",
        "control.one_before.next = adds_2 and at_2 == at_1",
        "control.one_before.next = False",
        "hw/test_lanes.py::test_lanes",
    ),
    "forgets the addition three before": (
        "parts/sum_control",
        "control.three_before.next = adds_3 and at_3 == address",
        "control.three_before.next = False",
        "hw/test_lanes.py::test_lanes",
    ),
    "fires again too soon": (
        "lanes",
        "drained.next = fires[5:] == 0",
        "drained.next = True",
        "hw/test_layer.py::test_layer[tiny]",
    ),
    "keeps the current after the image": (
        "pixel_lanes",
        "clears_current.next = fires[3] and clears[3]",
        "clears_current.next = False",
        "hw/test_lanes.py::test_lanes",
    ),
    "last row of taps lost": (
        "conv2d",
        "min(i + padding, kernel - 1)",
        "min(i + padding, kernel - 2)",
        "test_conv2d.py::test_gates_add_what_the_integers_add",
    ),
    "neuron off by one": (
        "conv2d",
        "neuron_at - (2 * groups - 1)",
        "neuron_at - (2 * groups - 2)",
        "test_conv2d.py::test_gates_add_what_the_integers_add",
    ),
    "weight row off by one": (
        "linear",
        "weight_at.next = weight_at + 1",
        "weight_at.next = weight_at",
        "test_linear.py::test_gates_add_what_the_integers_add",
    ),
    "ready stuck": (
        "parts/stages",
        "ready.next = (not first_valid) or second_free",
        "ready.next = True",
        "test_conv2d.py::test_gates_add_what_the_integers_add",
    ),
    "lost spike": (
        "spike_scanner",
        "word.next = rest",
        "word.next = rest_of_rest",
        "hw/test_scanner.py::test_spike_scanner",
    ),
    "bubble after a word": (
        "spike_scanner",
        "free.next = (not live) or (scan.ready and rest == 0)",
        "free.next = not live",
        "hw/test_scanner.py::test_spike_scanner",
    ),
    "swapped bank": (
        "spike_buffer",
        "read_at.next = concat(read_bank, reader.address)",
        "read_at.next = concat(not read_bank, reader.address)",
        "hw/test_memory.py::test_spike_buffer",
    ),
    "third frame claimed": (
        "spike_buffer",
        "writer.free.next = claims != 2",
        "writer.free.next = True",
        "hw/test_memory.py::test_spike_buffer",
    ),
    "window begins late": (
        "firing_pass",
        "turn.first.next = in_x == 0 and in_y == 0",
        "turn.first.next = in_x == 0",
        "hw/test_firing_pass.py::test_firing_pass",
    ),
    "window not fresh": (
        "maxpool",
        "now.next = spikes\n",
        "now.next = spikes | gathered\n",
        "test_maxpool.py::test_gates_equal_integers",
    ),
    "image begins in mid-load": (
        "loader",
        "wanted.next = loading or stream.tvalid or writes",
        "wanted.next = stream.tvalid",
        "hw/test_streams.py::test_loader",
    ),
    "beats in another order": (
        "loader",
        "concat(stream.tdata, held[width:beat_bits])",
        "concat(held[width - beat_bits:], stream.tdata)",
        "hw/test_streams.py::test_loader",
    ),
    "early last word": (
        "stream_in",
        "frame_ends.next = at == words - 1",
        "frame_ends.next = at == words - 2",
        "hw/test_streams.py::test_stream_in",
    ),
    "tie to the last": ("scores", "total > best", "total >= best", "hw/test_streams.py::test_scores"),
    "a cycle not counted": ("scores", "now - stamp + 2", "now - stamp + 1", "hw/test_streams.py::test_scores"),
    "lost event": (
        "layer",
        "reader.give_back.next = added",
        "reader.give_back.next = added and writer.free",
        "hw/test_layer.py::test_layer[no padding]",
    ),
    "walker not waited for": (
        "layer",
        "(not progress.scanning) and (not progress.walking)",
        "(not progress.scanning)",
        "hw/test_layer.py::test_layer[no padding]",
    ),
    "wrong tap in a bank": (
        "wide_conv2d",
        "(i + padding) % kernel for i",
        "(i + padding + 1) % kernel for i",
        "hw/test_wide.py::test_wide_conv2d",
    ),
    "sum of another bank": (
        "wide_lanes",
        "stores.next = writes and bank_written == number",
        "stores.next = writes",
        "hw/test_layer.py::test_layer[wide]",
    ),
}


def tree(folder):
    """A copy of the blocks and their tests; the rest is read where it is."""
    shutil.copytree(ROOT / "hw", folder / "minisnn_hw", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests/hw").mkdir(parents=True)
    for path in [*(ROOT / "tests").glob("*.py"), *(ROOT / "tests/hw").glob("*.py")]:
        shutil.copy(path, folder / path.relative_to(ROOT))
    return folder


def fails(folder, test):
    """Return whether a test fails in the tree. GHDL is left out, because the oracles in Python must see the fault."""
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            f"--rootdir={folder}",
            str(folder / "tests" / test),
        ],
        cwd=folder,
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path, "PATH": "", "MINISNN_REQUIRE_TOOLS": "0"},
        timeout=600,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 1


def with_fault(name, folder):
    """Put a fault into a copy; (name, whether it is noticed)."""
    block, there, put, test = FAULTS[name]
    file = tree(folder) / "minisnn_hw" / f"{block}.py"
    text = file.read_text()
    assert text.count(there) >= 1, f"{name}: {block}.py has no {there!r}"
    file.write_text(text.replace(there, put))
    return name, fails(folder, test)


@pytest.fixture(scope="module")
def noticed(tmp_path_factory):
    """Return the outcome of every fault; several run at a time."""
    folders = {name: tmp_path_factory.mktemp("fault") for name in FAULTS}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(lambda name: with_fault(name, folders[name]), FAULTS))


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_noticed(name, noticed):
    assert noticed[name]


def test_without_a_fault_nothing_fails(tmp_path):
    """The copy itself is whole: a fault is noticed for what it is."""
    tree(tmp_path)
    assert not fails(tmp_path, "test_lif.py::test_gates_equal_integers") and not fails(
        tmp_path, "hw/test_layer.py::test_layer[tiny]"
    )
