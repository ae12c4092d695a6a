"""Small faults in the gates: each is put into a copy of the blocks, and the tests of the suite must notice it."""

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import posix

pytestmark = posix
ROOT = Path(__file__).parents[2]

# (block, what stands there, what is put there, the tests that must fail)
FAULTS = {
    "fires at the threshold": (
        "lif",
        "spikes and u > theta",
        "spikes and u >= theta",
        "test_lif.py::test_gates_equal_integers",
    ),
    "the leak of the load before": (
        "stage",
        "words.section == first + 3",
        "words.section == first + 4",
        "hw/test_accelerator.py::test_networks_of_several_leaks_fit_one_design[spikes]",
    ),
    "a leak above 1 is taken": (
        "load_check",
        "value > most_beta",
        "value > 2 * most_beta",
        "hw/test_accelerator.py::test_a_leak_above_1_is_refused",
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
        "earlier(clk, adds_2, at_2, at_1,",
        "earlier(clk, adds_2, at_3, at_1,",
        "hw/test_lanes.py::test_lanes",
    ),
    "forgets the addition three before": (
        "parts/sum_control",
        "earlier(clk, adds_3, at_3, address,",
        "earlier(clk, adds_3, at_2, address,",
        "hw/test_lanes.py::test_lanes",
    ),
    "fires again too soon": (
        "lanes",
        "drained.next = fires[settling:] == 0",
        "drained.next = True",
        "hw/test_layer.py::test_layer[tiny]",
    ),
    "keeps the current after the image": (
        "lanes",
        "writes.next = fires[stored] and clears[stored]",
        "writes.next = False",
        "hw/test_lanes.py::test_lanes",
    ),
    "last row of taps lost": (
        "reach",
        "min(i + padding, kernel - 1)",
        "min(i + padding, kernel - 2)",
        "test_conv2d.py::test_gates_add_what_the_integers_add",
    ),
    "neuron off by one": (
        "tap_walk",
        "to_left = 2 * groups - 1",
        "to_left = 2 * groups - 2",
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
        "ready.next = (not full) or walk_free",
        "ready.next = True",
        "test_conv2d.py::test_gates_add_what_the_integers_add",
    ),
    "lost spike": (
        "spike_scanner",
        "left.next = rest != 0",
        "left.next = rest_after != 0",
        "hw/test_scanner.py::test_spike_scanner",
    ),
    "bubble after a word": (
        "spike_scanner",
        "free.next = (not live) or (scan.ready and not left)",
        "free.next = not live",
        "hw/test_scanner.py::test_spike_scanner",
    ),
    "word of the pixel before": (
        "word_position",
        "at_x.next = at_x + pixels",
        "at_x.next = at_x + 1",
        "hw/test_scanner.py::test_spike_scanner",
    ),
    "spikes of the word before": (
        "pack",
        "if rst or (write and last):",
        "if rst:",
        "hw/test_pack.py::test_pack",
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
    "a position of the window lost": (
        "maxpool",
        "            if spikes[i]:",
        "            if spikes[i] and i < lanes:",
        "test_maxpool.py::test_gates_join_positions",
    ),
    "kept by another neuron of the window": (
        "windows",
        "sum(position << bank * position_bits",
        "sum((position ^ 1) << bank * position_bits",
        "hw/test_windows.py::test_sums_of_window",
    ),
    "image begins in mid-load": (
        "loader",
        "wanted.next = asked or writes or state != loading.ST_IDLE",
        "wanted.next = asked",
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
        "frame_ends.next = at == before_last",
        "frame_ends.next = at == words - 1",
        "hw/test_streams.py::test_stream_in",
    ),
    "a short image is taken": (
        "stream_in",
        "misfits.next = take and stream.tlast != image_ends",
        "misfits.next = take and image_ends and not stream.tlast",
        "hw/test_streams.py::test_stream_in",
    ),
    "a long image is taken": (
        "stream_in",
        "misfits.next = take and stream.tlast != image_ends",
        "misfits.next = take and stream.tlast and not image_ends",
        "hw/test_streams.py::test_stream_in",
    ),
    "a dropped image keeps its bank": (
        "stream_in",
        "room.next = claimed or writer.free",
        "room.next = writer.free",
        "hw/test_streams.py::test_stream_in",
    ),
    "a dropped image claims again": (
        "stream_in",
        "writer.claim.next = put and not claimed",
        "writer.claim.next = put and at == 0",
        "hw/test_streams.py::test_stream_in",
    ),
    "the rest of a long image is an image": (
        "stream_in",
        "if take and not stream.tlast:",
        "if take and not stream.tlast and not first:",
        "hw/test_streams.py::test_stream_in",
    ),
    "a dropped image reaches the layers": (
        "stream_in",
        "put and frame_ends and not (first and misfits)",
        "put and frame_ends",
        "hw/test_streams.py::test_stream_in",
    ),
    "the rest of an image is not zeros": (
        "stream_in",
        "if state == taking.ST_TAKE:\n            writer.data",
        "if state != taking.ST_DROP:\n            writer.data",
        "hw/test_streams.py::test_stream_in",
    ),
    "the input error stays": (
        "stream_in",
        "wrong.next = False\n        elif state == taking.ST_FILL",
        "wrong.next = wrong\n        elif state == taking.ST_FILL",
        "hw/test_streams.py::test_stream_in",
    ),
    "a load waits for an image that stops": (
        "stream_in",
        "stops.next = wanted and in_image",
        "stops.next = False and in_image",
        "hw/test_accelerator.py::test_a_load_ends_an_image_that_stops[flat]",
    ),
    "a load ends an image that goes on": (
        "stream_in",
        "ready and not stream.tvalid",
        "ready",
        "hw/test_accelerator.py::test_an_image_goes_on_while_a_load_waits[flat]",
    ),
    "a load begins within an image": (
        "accelerator",
        "not waiting and not under_way",
        "not waiting",
        "hw/test_accelerator.py::test_an_image_goes_on_while_a_load_waits[pixels]",
    ),
    "a wrong image gets a class": (
        "accelerator",
        "spoilt_ones.next[int(last)] = True",
        "spoilt_ones.next[int(last)] = False",
        "hw/test_accelerator.py::test_a_wrong_image_does_no_harm[one neuron-False]",
    ),
    "an image after a wrong one gets none": (
        "accelerator",
        "spoilt_ones.next[int(begun)] = False",
        "spoilt_ones.next[int(begun)] = spoilt",
        "hw/test_accelerator.py::test_a_wrong_image_does_no_harm[one neuron-False]",
    ),
    "a flush needs a load": (
        "accelerator",
        "load = loader(clk, rst,",
        "load = loader(clk, drops,",
        "hw/test_accelerator.py::test_a_reset_or_flush_in_the_middle[pixels-flush]",
    ),
    "a reset keeps the load": (
        "loader",
        "ended.next = False\n            good.next = False",
        "ended.next = False",
        "hw/test_streams.py::test_loader",
    ),
    "a refused word is followed by others": (
        "loader",
        "take and word_ends and not refused",
        "take and word_ends",
        "hw/test_streams.py::test_loader",
    ),
    "a wrong checksum is accepted": (
        "loader",
        "good.next = not refused",
        "good.next = True",
        "hw/test_streams.py::test_loader",
    ),
    "a load that is too long is accepted": (
        "loader",
        "state.next = loading.ST_DROP\n            bad.next = True",
        "state.next = loading.ST_IDLE\n            good.next = True",
        "hw/test_streams.py::test_loader",
    ),
    "the end of a design word is not compared": (
        "load_check",
        "(value[16:] != fits_low or value[32:16] != fits_high)",
        "(value[16:] != fits_low)",
        "hw/test_accelerator.py::test_a_wrong_load_is_refused[32]",
    ),
    "no steps are accepted": (
        "load_check",
        "(value == 0 or value > most)",
        "(value > most)",
        "hw/test_accelerator.py::test_a_wrong_load_is_refused[32]",
    ),
    "too many steps are accepted": (
        "load_check",
        "(value == 0 or value > most)",
        "(value == 0)",
        "hw/test_accelerator.py::test_a_wrong_load_is_refused[32]",
    ),
    "reserved words are not looked at": (
        "load_check",
        "check == ZERO and value != 0",
        "check == ZERO and value > 1",
        "hw/test_accelerator.py::test_a_wrong_load_is_refused[32]",
    ),
    "a checksum without the first beat": (
        "loader",
        "summed.next = take and not last",
        "summed.next = take and not last and at_section != 0",
        "hw/test_streams.py::test_loader",
    ),
    "another polynomial": (
        "parts/crc",
        "0xEDB88320",
        "0xEDB88321",
        "hw/test_streams.py::test_crc32",
    ),
    "tie to the last": ("send_answer", "total > best", "total >= best", "hw/test_streams.py::test_scores"),
    "a tie that is no loss": (
        "send_answer",
        "best + 1  #",
        "best  #",
        "hw/test_early_exit.py::test_early_exit[one layer]",
    ),
    "dropped too late": (
        "spike_buffer",
        "drop.next = decided.early and same",
        "drop.next = same",
        "hw/test_early_exit.py::test_early_exit[few words]",
    ),
    "a cycle not counted": ("send_answer", "now - stamp + 2", "now - stamp + 1", "hw/test_streams.py::test_scores"),
    "lost event": (
        "layer_control",
        "reader.give_back.next = added",
        "reader.give_back.next = added and writer.free",
        "hw/test_layer.py::test_layer[no padding]",
    ),
    "walker not waited for": (
        "layer_control",
        "(not progress.scanning) and (not progress.walking)",
        "(not progress.scanning)",
        "hw/test_layer.py::test_layer[no padding]",
    ),
    "wrong tap in a bank": (
        "reach",
        "(i + padding) % kernel for i",
        "(i + padding + 1) % kernel for i",
        "test_conv2d.py::test_gates_add_what_the_integers_add",
    ),
    "sum of another bank": (
        "lanes",
        "stores_of.next[i] = writes and bank_written == i",
        "stores_of.next[i] = writes",
        "hw/test_lanes.py::test_lanes",
    ),
}


# Runs a test of the copy at a time, each in a fork: so what all import is imported once. Blocks are not among it, and
# compiled files are read, but none is written, which might outlive the fault in it.
FORKS = """
import os, signal, sys
import hypothesis, myhdl, numba, numpy, pytest, minisnn.commands, minisnn.fixed.model, minisnn.timing.cycles
assert "minisnn_hw" not in sys.modules
sys.dont_write_bytecode = True
folder = sys.argv[1]
os.chdir(folder)
sys.path.insert(0, folder)
for line in sys.stdin:
    child = os.fork()
    if not child:
        signal.alarm(600)
        with open("output.txt", "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        words = f"-x -q --assert=plain -p no:cacheprovider -c {os.devnull} --rootdir={folder}".split()
        os._exit(pytest.main([*words, f"{folder}/tests/{line.strip()}"]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A folder with the blocks and their tests, where a fault that hangs is soon given up; the rest is where it is."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "hw", folder / "minisnn_hw", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests/hw").mkdir(parents=True)
    for path in [*(ROOT / "tests").glob("*.py"), *(ROOT / "tests/hw").glob("*.py")]:
        shutil.copy(path, folder / path.relative_to(ROOT))
    networks = folder / "tests/hw/networks.py"
    text = networks.read_text()
    assert text.count("LONG = 60_000") == 1
    networks.write_text(text.replace("LONG = 60_000", "LONG = 6_000"))
    assert compileall.compile_dir(folder, quiet=1)
    return folder


@pytest.fixture(scope="module")
def fails(copy):
    """Function that returns whether a test of the copy fails, without GHDL: oracles in Python must see the fault."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": "", "MINISNN_REQUIRE_TOOLS": "0"}
    options = {"cwd": ROOT / "tests", "env": environment, "text": True, "bufsize": 1}
    with subprocess.Popen(
        [sys.executable, "-c", FORKS, str(copy)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
    ) as forks:

        def fails(test):
            forks.stdin.write(f"{test}\n")
            status = forks.stdout.readline().strip()
            assert status in ("0", "1"), status + (copy / "output.txt").read_text()
            return status == "1"

        yield fails


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_noticed(name, copy, fails):
    block, there, put, test = FAULTS[name]
    file = copy / "minisnn_hw" / f"{block}.py"
    text = file.read_text()
    assert text.count(there) >= 1, f"{name}: {block}.py has no {there!r}"
    file.write_text(text.replace(there, put))
    try:
        assert fails(test)
    finally:
        file.write_text(text)


def test_without_a_fault_nothing_fails(fails):
    """The copy itself is whole: a fault is noticed for what it is."""
    assert not fails("test_lif.py::test_gates_equal_integers")
    assert not fails("hw/test_layer.py::test_layer[tiny]")
    longest = "hw/test_accelerator.py::test_a_wrong_load_is_refused[32]"
    assert longest in {test for *_, test in FAULTS.values()} and not fails(longest)
