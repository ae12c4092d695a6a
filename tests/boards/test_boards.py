"""minisnn board: the folder, what fits, bitstreams, and the host program against the simulated board."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import tty
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minisnn.commands import main
from minisnn.files import lock
from minisnn_hw.boards import board as boards
from minisnn_hw.boards import fit, host
from minisnn_hw.boards.build import build
from minisnn_hw.boards.deliver import deliver
from minisnn_hw.boards.host import BoardError
from minisnn_hw.boards.simulated import simulated
from minisnn_hw.boards.streamed import answer_bytes
from minisnn_hw.boards.toolchains import TOOLCHAINS
from minisnn_hw.delivery.deliver import check_folder, fill
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.tools import ToolError
from minisnn_hw.load_format import design_word
from tests.benchmarks.area import spec_of_trained
from tests.boards.designs import case, vectors
from tests.helpers import quantised_model
from tests.hw.networks import random_network
from tests.hw.ports import needs


def about(kind, board):
    """Return what the host program needs, from the integers."""
    load, images, answers = vectors(kind)
    values = {"design": design_word(case(kind)[0]), "clock": board.clock, "baud": 115200}
    values |= {
        "answer_bytes": answer_bytes(case(kind)[0]),
        "load": load.hex(),
        "images": [each.hex() for each in images],
    }
    return values | {"answers": answers, "labels": [0] * len(images), "cycles": [100] * len(images)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network, trained and quantised on the command line."""
    return quantised_model(tmp_path_factory.mktemp("model"), "10", "--epochs 1 --steps 2", "--weight-bits 4")


@pytest.fixture
def serial():
    return pytest.importorskip("serial", reason="pip install pyserial")


def test_the_host_program_against_the_simulated_board(tmp_path, serial):
    """The delivered program, by itself: all answers right; a wrong expectation, and another design, are told."""
    needs("verilator", "g++", "make")
    board = boards.find("tangnano20k")
    spec, right = case("spikes")[0], about("spikes", board)
    for name, text in deliver(spec, board, right).items():
        (tmp_path / name).write_text(text)

    def ask(port, *more, **changes):
        (tmp_path / "vectors.json").write_text(json.dumps(right | changes))
        command = [sys.executable, "host.py", port, *more]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    with simulated(spec, board.leds, board.lit) as port:
        done = ask(port)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(re.findall(r"image \d: class \d+ \(label 0\), [\d,]+ cycles\n", done.stdout)) == 3
        assert "3 images, 0 different from the integers" in done.stdout
        changed = [right["answers"][0], [each + 1 for each in right["answers"][1]], right["answers"][2]]
        done = ask(port, answers=changed)
        assert done.returncode == 1 and "3 images, 1 different from the integers" in done.stdout
        assert f"the integers say {changed[1][-1]}" in done.stdout
        done = ask(port, design=1)
        assert done.returncode == 2 and "this network needs 00000001" in done.stderr
        done = ask(port, load=right["load"][:-2] + "00")
        assert done.returncode == 2 and "the board refuses the load" in done.stderr
        serial.Serial(port, 115200).write(b"I\x01\x02")  # a program that ended in the middle of an image
        assert ask(port, "--images", "2").returncode == 0


def test_simulate(model, tmp_path, capsys, serial):
    """The command runs the host on the simulated board, and ends by itself."""
    needs("verilator", "g++", "make")
    out = tmp_path / "out"
    assert main(["board", str(model), "--board", "ulx3s-85f", "--out", str(out), "--simulate", "--images", "4"]) == 0
    printed = capsys.readouterr().out
    assert "4 images, 0 different from the integers" in printed and "ULX3S 85F, lanes 8: fits" in printed
    check_folder(out)
    assert {"board.v", "board.lpf", "board.ys", "build.py", "host.py", "vectors.json", "README.md"} <= {
        path.name for path in out.iterdir()
    }


@pytest.mark.parametrize("name", boards.names())
def test_every_port_has_its_pin(name):
    """nextpnr would choose a pin for a port that has none, in silence."""
    board = boards.find(name)
    spec = case("pixels")[0]
    files = deliver(spec, board, about("pixels", board))
    text = files[TOOLCHAINS[board.family].constraints]
    heads = re.search(r"module board \((.*?)\);", files["board.v"], re.DOTALL)[1]
    assert {line.strip(" ,").split()[-1] for line in heads.strip().splitlines()} == set(board.pins)
    for port, pin in board.ports().items():
        assert re.search(rf'"{re.escape(port)}" (SITE "{pin}"|{pin});', text), port
    assert board.source.partition(",")[0] in text
    assert not any("INITIALIZE_WORDS" in text for text in files.values())  # of memories; Yosys is slow with them
    assert len(set(board.ports().values())) == len(board.ports())


@pytest.mark.parametrize(
    "name, tables",
    [("ulx3s-85f", {"TRELLIS_COMB": 1}), ("tangnano20k", {"LUT4": 1, "RAM16SDP4": 6})],
)
def test_the_estimate_is_near_what_boards_took(name, tables):
    """The digits network, as its bitstreams were made; of Gowin a cell of memory is six tables."""
    placed = json.loads((Path(__file__).parents[2] / "tutorials/results/readme.json").read_text())["bitstreams"][
        "measured"
    ][name]
    used = {cell: count for cell, (count, _) in placed["built"]["used"].items()}
    board = boards.find(name)
    guess = fit.estimate(spec_of_trained("digits", placed["lanes"], placed["taps"]), board)
    assert guess.blocks == used[TOOLCHAINS[board.family].block]
    assert guess.tables == pytest.approx(sum(used[cell] * each for cell, each in tables.items()), rel=0.15)


def test_the_largest_lanes_that_fit():
    """Lanes are halved until the board holds them; where one lane does not fit, the weights that would are named."""
    network = random_network("64-32-10", (300,), np.random.default_rng(0))
    board = boards.find("tangnano20k")

    def spec_with(lanes):
        return specify(network, lanes)

    lanes = fit.largest(spec_with, (64, 32, 10), board)
    assert not fit.estimate(spec_with(lanes), board).lacking(board.fpga)

    def with_blocks(count):
        return replace(board, fpga=replace(board.fpga, blocks=count))

    small = with_blocks(fit.estimate(spec_with(lanes), board).blocks - 1)
    fewer = fit.largest(spec_with, (64, 32, 10), small)
    assert fit.estimate(spec_with(fewer), small).blocks <= small.blocks and sum(fewer) < sum(lanes)
    with pytest.raises(ValueError, match="one lane a layer the design needs .* block RAMs.* --weight-bits 2"):
        fit.largest(spec_with, (1, 1, 1), with_blocks(fit.estimate(spec_with((1, 1, 1)), board).blocks - 2))
    with pytest.raises(ValueError, match="train a smaller network"):
        fit.largest(spec_with, (1, 1, 1), with_blocks(1))


def test_small_memories_need_places():
    """A Tang Nano has 648 of them, and nextpnr has placed 236 but not 504."""
    network = random_network("8C3-MP2-24-10", (8, 8, 1), np.random.default_rng(0), input_bits=5, membrane_bits=20)
    board = boards.find("tangnano20k")
    full = fit.estimate(specify(network, (8, 8, 8)), board)
    assert full.cells > 450 and "648 places" in " ".join(full.lacking(board.fpga))
    assert fit.largest(lambda lanes: specify(network, lanes), (8, 8, 8), board) == (4, 8, 8)
    large = boards.find("ulx3s-85f")
    assert not fit.estimate(specify(network, (8, 8, 8)), large).lacking(large.fpga)


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--board", "nexys"], f"board must be one of {', '.join(boards.names())}, got 'nexys'"),
        (["--board", "ulx3s-85f", "--fit", "--lanes", "2"], "--fit chooses the lanes, so --lanes cannot be given too"),
        (["--board", "ulx3s-85f", "--baud", "7000000"], "--baud must be a part of the board's 25,000,000 Hz"),
        (["--board", "ulx3s-85f", "--lanes", "11"], "its lanes must be 1 to 10, got 11"),
    ],
)
def test_wrong_flags(model, tmp_path, capsys, flags, words):
    assert main(["board", str(model), "--out", str(tmp_path / "out"), *flags]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_no_board_answers(model, tmp_path, capsys, serial):
    arguments = ["board", str(model), "--board", "ulx3s-85f", "--out", str(tmp_path / "out"), "--host"]
    assert main([*arguments, str(tmp_path / "none")]) == 1
    assert "cannot open" in capsys.readouterr().err


@pytest.mark.parametrize(
    "rubbish, words", [(b"hello", "no answer"), (b"\xc0A\xc0", "no answer"), (b"", "not answered")]
)
def test_something_else_at_the_port(serial, rubbish, words):
    """Bytes without an END, frames that nobody asked for, and silence: each ends with a sentence."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    over = threading.Event()

    def talk():
        while not over.wait(0.01):
            with suppress(BlockingIOError):
                os.write(master, rubbish * 100)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        with pytest.raises(BoardError, match=words):
            host.Board(os.ttyname(slave), timeout=0.3)
    finally:
        over.set()
        thread.join()
        os.close(master)
        os.close(slave)


def test_a_build_that_takes_too_long_leaves_nothing_running(tmp_path):
    """The tools that build.py started end with it."""
    needs("yosys", "nextpnr-ecp5", "ecppack")
    mark = tmp_path / "alive"
    code = f"import time; time.sleep(3); open({str(mark)!r}, 'w')"
    (tmp_path / "build.py").write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])\n")
    with pytest.raises(ToolError, match="build.py did not end within 0.5 s"):
        build(tmp_path, boards.find("ulx3s-85f"), 1, 0.5)
    time.sleep(4)
    assert not mark.exists()


TOOL = """#!{python}
import json, pathlib, sys
if {status}:
    sys.exit("ERROR: no way")
if "nextpnr.json" in sys.argv:
    report = {{"fmax": {{"clk": {{"achieved": 50.5}}}}, "utilization": {{"LUT": {{"used": 3, "available": 9}}}}}}
    pathlib.Path("nextpnr.json").write_text(json.dumps(report))
for name in ("yosys.log", "nextpnr.log", "board.json", "board.config", "board.bit"):
    pathlib.Path(name).write_text(" ".join(sys.argv[1:]) if name in sys.argv else "")
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Return a function that puts programs in the place of Yosys, nextpnr and the packer, which end with a status."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def place(status):
        for name in ("yosys", "nextpnr-ecp5", "ecppack"):
            tool = folder / f"yowasp-{name}"
            tool.write_text(TOOL.format(python=sys.executable, status=status if "next" in name else 0))
            tool.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tool.with_name("python")))  # tools beside Python come first
        (folder / "python").unlink(missing_ok=True)
        (folder / "python").symlink_to(PYTHON)

    return place


PYTHON = sys.executable


@pytest.fixture
def built(model, tmp_path, tools):
    """A folder with what `--build` makes."""
    tools(0)
    assert main(["board", str(model), "--board", "ulx3s-85f", "--out", str(tmp_path / "out"), "--build"]) == 0
    return tmp_path / "out"


def test_build_tells_the_seconds_of_each_tool(capsys, built, model):
    """The report has them too; what the tools leave for one another does not stay."""
    printed = capsys.readouterr().out
    assert re.search(r"ecppack +\d+\.\d +\d+\.\d\n", printed) and "clock  50.5 MHz" in printed
    assert list(json.loads((built / "build.json").read_text())["seconds"]) == ["yosys", "nextpnr-ecp5", "ecppack"]
    assert (built / "board.bit").exists() and not (built / "board.config").exists()
    check_folder(built)
    assert main(["board", str(model), "--board", "ulx3s-85f", "--out", str(built), "--build", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["built"]["mhz"] == 50.5 and told["lanes"] == [8] and told["needs"]["block_rams"][1] == 208


def test_a_bitstream_stays_with_its_design(built, model, tools, capsys):
    """Neither other images nor a build that fails take it away; another design does."""
    flags = ["board", str(model), "--board", "ulx3s-85f", "--out", str(built)]
    assert main([*flags, "--images", "3"]) == 0 and (built / "board.bit").exists()
    check_folder(built)
    tools(1)
    assert main([*flags, "--build", "--images", "3"]) == 1
    assert (
        "build.py failed for the ULX3S 85F: ERROR: no way; nextpnr-ecp5 failed with status 1" in capsys.readouterr().err
    )
    assert (built / "board.bit").exists() and [
        path.name for path in built.parent.iterdir() if path.name[0] == "."
    ] == []
    assert main([*flags, "--lanes", "2"]) == 0 and not (built / "board.bit").exists()


def test_what_a_killed_process_left_is_removed(built, model, capsys):
    """What it had moved away comes back, folders of others stay, and a process that is not killed has its own."""
    flags = ["board", str(model), "--board", "ulx3s-85f", "--out", str(built)]
    left, other = built.with_name(".out.a1_b2_c3.part"), built.with_name(".out.settings.part")
    for folder in (left / "new", other / "mine"):
        folder.mkdir(parents=True)
    built.rename(left / "old")
    capsys.readouterr()
    with lock(built.with_name(".out.lock")):
        assert main(flags) == 2 and f"another process writes {built}; wait" in capsys.readouterr().err
    assert left.exists() and main(flags) == 0
    assert (built / "board.bit").exists() and not left.exists() and other.exists()


@pytest.mark.parametrize(
    "flag, words", [("--build", "nextpnr-ecp5 and ecppack are not on PATH; pip install yowasp-ne")]
)
def test_missing_tools_are_told_at_once(model, tmp_path, tools, capsys, flag, words):
    tools(0)
    for name in ("nextpnr-ecp5", "ecppack"):
        (tmp_path / "bin" / f"yowasp-{name}").unlink()
    assert main(["board", str(model), "--board", "ulx3s-85f", "--out", str(tmp_path / "out"), flag]) == 1
    assert words in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.more
def test_a_bitstream(tmp_path):
    """A small design through Yosys, nextpnr and the packer: all ports placed, the clock met, the estimate near."""
    needs("yosys", "nextpnr-ecp5", "ecppack")
    board = boards.find("ulx3s-85f")
    spec = specify(random_network("4", (8,), np.random.default_rng(0)), [1], max_steps=3)
    fill(tmp_path, deliver(spec, board, about("pixels", board)))
    built = build(tmp_path, board, 1, 3000)
    assert (tmp_path / "board.bit").stat().st_size > 10_000 and built.mhz > board.clock / 1e6
    assert built.used["TRELLIS_IO"][0] == len(board.ports())
    guess = fit.estimate(spec, board)
    assert built.used["DP16KD"] == (guess.blocks, board.blocks)
    assert built.used["TRELLIS_COMB"][1] == board.tables
    assert 0.5 < guess.tables / built.used["TRELLIS_COMB"][0] < 2
