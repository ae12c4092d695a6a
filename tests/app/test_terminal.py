"""What a terminal of 80 columns shows: bars that fit, an honest pace, and the sentence on compiling."""

import os
import re
import shutil
import struct
import subprocess
import sys

import pytest

from minisnn import terminal
from tests.helpers import quantised_model

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")


def in_a_terminal(*arguments, columns=80, **environment):
    """Run Python in a pseudo-terminal; return the lines that it shows, bars included."""
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    options = {"stdin": other, "stdout": other, "stderr": other, "close_fds": True}
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ | environment, **options)
    os.close(other)
    shown = b""
    while True:
        try:
            block = os.read(main, 1 << 16)
        except OSError:  # Linux: the other side is closed
            break
        if not block:
            break
        shown += block
    os.close(main)
    assert process.wait() == 0, shown.decode()
    return [line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown.decode())) if line.strip()]


@pytest.mark.parametrize("columns", [80, 0])  # 0: a terminal that does not know its width
def test_training_fits_80_columns(tmp_path, columns):
    """The first line of the bar has a batch behind it; a table and a bar fit the terminal."""
    flags = "--epochs 10 --topology 8C3-MP2-10 --steps 2 --backend numpy --figure none --out".split()
    lines = in_a_terminal("-m", "minisnn", "train", *flags, str(tmp_path / "m.npz"), columns=columns)
    lines = [line for line in lines if str(tmp_path) not in line]  # paths may be long
    bars = [line for line in lines if "%|" in line]
    assert bars and max(map(len, lines)) <= 80, max(lines, key=len)
    assert re.search(r"100%\|█+\| \d\d:\d\d, 00:00 left, epoch 10/10 loss \d\.\d+ validation \d+\.\d %", bars[-1])
    assert all("loss" in line for line in bars)  # no bar at 0 % while nothing is known


def test_the_commands_after_training_fit_80_columns(tmp_path):
    """Each says what it does before its first result, and its lines and tables fit; so does a simulation."""
    model, integer = str(tmp_path / "m.npz"), str(tmp_path / "m.int.npz")
    flags = "--epochs 1 --topology 64-10 --steps 2 --figure none --out".split()
    study = str(tmp_path / "s.sqlite")
    sweep = "sweep --topology 8-10 --epochs 1 --steps 1 --rate-penalty 1,0.5:0.25,0.5 1 --workers 1 --out".split()
    commands = {
        ("train", *flags, model): "digits: 1438 training and 359 test images",
        ("info", model): "64-10 on 8x8x1",
        ("evaluate", model): "testing the model on the test images",
        ("quantize", model): "rounding the model, and testing it",
        ("info", integer): "64-10 on 8x8x1, weights of 8 bits",
        ("cycles", integer): "running the integers on the test images",
        ("vhdl", integer, "--out", str(tmp_path / "folder")): "converting the accelerator",
        (*sweep, study): "digits: 2 points",
        ("report", study, "--out", str(tmp_path / "report")): "computing tables and drawing figures",
        ("cosim", integer, "--images", "1"): "loading the network",
    }
    (tmp_path / "all.py").write_text(  # one process: most of a command's time is its start
        "from minisnn.__main__ import _prepare_streams\n"
        "from minisnn.commands import main\n"
        "if __name__ == '__main__':\n"
        "    _prepare_streams()\n"
        f"    for command in {list(commands)}:\n"
        "        assert main(command) == 0\n"
        "        print('-- end --', flush=True)\n"
    )
    shown = iter(in_a_terminal(str(tmp_path / "all.py")))
    for first in commands.values():
        lines = list(iter(lambda: next(shown), "-- end --"))
        assert lines[0].startswith(first), lines[0]
        lines = [line for line in lines if str(tmp_path) not in line]  # paths may be long
        assert max(map(len, lines), default=0) <= 80, max(lines, key=len)
    assert "loading the network" in lines[: [i for i, line in enumerate(lines) if "%|" in line][0]]


@pytest.mark.skipif(shutil.which("ghdl") is None, reason="ghdl is not installed: apt install ghdl")
def test_a_simulation_is_told_before_its_first_image(tmp_path):
    model = quantised_model(tmp_path, "4-10", "--epochs 1 --steps 1", "--weight-bits 4")
    lines = in_a_terminal("-m", "minisnn", "cosim", str(model), "--images", "1", "--simulator", "ghdl")
    told = lines.index("simulating 1 image in ghdl")
    assert "building the accelerator for ghdl" in lines[:told]
    assert any("100%|" in line for line in lines[told:]) and not any("100%|" in line for line in lines[:told])


@pytest.mark.parametrize("columns, most", [(60, 60), (80, 80), (200, 80), (0, 80)])
def test_lines_fit_the_terminal(columns, most):
    """A narrow one too; in a wide one they are as long as in a file."""
    code = "from minisnn.terminal import wrapped; print(wrapped('word ' * 60))"
    lines = in_a_terminal("-c", code, columns=columns)
    assert most - 5 < max(map(len, lines)) <= most


def test_rows_of_a_sweep_fit_a_narrow_terminal(tmp_path):
    flags = "sweep --topology 8-10 --epochs 1 --steps 1 --rate-penalty 1,0.5:0.25,0.5 1 --workers 1 --out".split()
    lines = in_a_terminal("-m", "minisnn", *flags, str(tmp_path / "s.sqlite"), columns=60)
    rows = [line for line in lines if "seed 0" in line or "cycles" in line]
    assert rows and max(map(len, rows)) <= 60, rows


def test_compiling_is_told_once(tmp_path):
    """When Numba compiles a function, a terminal is told, once; nothing is told if all is in the cache."""
    (tmp_path / "work.py").write_text(
        "from minisnn.terminal import announce_compiling\n"
        "announce_compiling()\n"
        "from numba import njit\n"
        "@njit(cache=True)\n"
        "def double(x):\n    return 2 * x\n"
        "@njit(cache=True)\n"
        "def triple(x):\n    return 3 * x\n"
        "print(double(2) + triple(2))\n"
    )
    first, second = (in_a_terminal(str(tmp_path / "work.py"), NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first == [terminal.COMPILING, "10"] and second == ["10"]


def test_the_pace_is_measured_from_the_first_batch_on(monkeypatch):
    """After 20 seconds of compiling in the first batch, ten batches of one second leave 89 seconds for 89 batches."""
    from tqdm import tqdm

    now = [1000.0]
    monkeypatch.setattr(tqdm, "_time", None, raising=False)
    bar = terminal.bar(100, "batch", shown=True, smoothing=0, delay=1e9)
    bar._time = lambda: now[0]
    bar.start_t = bar.last_print_t = now[0]
    now[0] += 20
    terminal.begin(bar)
    bar.update()
    for _ in range(10):
        now[0] += 1
        bar.update()
    pace = (bar.n - bar.initial) / bar.format_dict["elapsed"]
    assert (bar.n, bar.format_dict["elapsed"]) == (11, 10) and (bar.total - bar.n) / pace == 89


def test_a_file_gets_no_bar(capfd):
    """Where no terminal watches, `say` is silent and a short bar writes nothing."""
    terminal.say("a sentence")
    with terminal.bar(3, "batch") as bar:
        bar.update(3)
    assert capfd.readouterr() == ("", "")
