"""The process around the commands: imports, streams that are closed or full, Ctrl-C, full disks, no cache folder."""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from numba import config

from minisnn.kernels import jit
from tests.helpers import quantised_model

resource = pytest.importorskip("resource", reason="Windows has no limits of resources")
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def python(code, *arguments, **options):
    """Run Python code with arguments."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, **{"cwd": ROOT, "env": ENVIRONMENT} | options
    )


def minisnn(redirection, *arguments, **options):
    """Run a command whose streams the shell redirects."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "minisnn", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, **{"cwd": ROOT, "env": ENVIRONMENT} | options
    )


@pytest.fixture(scope="module")
def integers(tmp_path_factory):
    return quantised_model(tmp_path_factory.mktemp("model"), "10", "--epochs 1 --steps 2 --backend numpy")


TRAIN = ("train", "--topology", "10", "--epochs", "3", "--steps", "2", "--backend", "numpy")


@pytest.mark.parametrize(
    "words", ["--version", "--help", "", "nonsense", "cycles", "cycles --help", "train --epochs x"]
)
def test_numba_is_not_imported_by_what_runs_no_kernel(words):
    heavy = {"numba", "scipy", "matplotlib", "myhdl"} | ({"numpy"} if words in ("--version", "--help", "") else set())
    code = (
        f"import sys\nfrom minisnn.__main__ import main\nmain()\nassert not {heavy} & set(sys.modules)\nprint('light')"
    )
    done = python(code, *words.split())
    assert done.stdout.endswith("light\n"), done.stderr


def test_wrong_input_is_told_before_numba_is_imported(tmp_path):
    """Wherever a person would wait for it: in a terminal too, where a compilation is announced."""
    (tmp_path / "m.npz").write_bytes(b"not a model")
    for words in ("cycles m.npz", "evaluate m.npz", "inspect m.npz --out o", "train --topology 8C3-x --figure none"):
        code = (
            "import sys\nfrom minisnn.__main__ import main\nsys.stderr.isatty = lambda: True\n"
            "assert main() == 2\nassert 'numba' not in sys.modules\nprint('light')"
        )
        done = python(code, *words.split(), cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)})
        assert done.stdout == "light\n", done.stderr


def test_without_numba_everything_runs_as_python_and_that_is_said_once(tmp_path):
    """Training, integers, cycles; the weights are those of the reference."""
    code = (
        "import sys\n"
        "class NoNumba:\n"
        "    def find_spec(name, *_):\n"
        "        if name.split('.')[0] in ('numba', 'llvmlite'): raise ImportError('no numba here')\n"
        "sys.meta_path.insert(0, NoNumba)\n"
        "import numpy as np\nfrom minisnn.commands import main\n"
        "flags = '--topology 10 --epochs 1 --steps 2 --figure none --out'.split()\n"
        "assert main(['train', *flags, 'a.npz']) == 0\n"
        "assert main(['train', '--backend', 'numpy', *flags, 'b.npz']) == 0\n"
        "for words in ('evaluate a.npz', 'quantize a.npz', 'cycles a.int.npz --images 2'):\n"
        "    assert main(words.split()) == 0, words\n"
        "a, b = np.load('a.npz'), np.load('b.npz')\n"
        "assert all((a[name] == b[name]).all() for name in ('1.w', '1.b'))\nprint('done')"
    )
    done = python(code, cwd=tmp_path, env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)})
    assert done.stdout.endswith("done\n"), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "umba" in line]
    assert "Numba cannot be imported (no numba here), so everything runs as plain Python" in line


def test_the_folder_of_compiled_kernels(tmp_path, monkeypatch):
    """Numba's own setting first, then the user's cache; nothing lies beside the sources."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = Path(jit.folder())
        old, young = chosen.with_name("old"), chosen.with_name("young")
        old.mkdir(), young.mkdir()
        os.utime(old, (0, 0))
        assert Path(jit.folder()) == chosen and chosen.parent == tmp_path / "cache" / "minisnn" / "kernels"
        assert {path.name for path in chosen.parent.iterdir()} == {chosen.name, "young"}
        monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "own"))
        assert jit.folder() == str(tmp_path / "own")


def test_without_a_cache_folder_kernels_go_to_the_temporary_one_or_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", "/proc/none")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.warns(UserWarning, match="kept in .*; set NUMBA_CACHE_DIR to a folder of your own"):
        chosen = Path(jit.folder())
    (temporary,) = tmp_path.iterdir()
    assert chosen.parent == temporary and temporary.stat().st_mode & 0o777 == 0o700
    temporary.chmod(0o777)  # anybody could put code there
    with pytest.warns(UserWarning, match="compiled again in each run"):
        assert jit.folder() is None
    monkeypatch.setattr(tempfile, "tempdir", "/proc/none")
    with pytest.warns(UserWarning, match="compiled again in each run"):
        assert jit.folder() is None


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="compiles")
def test_kernels_are_kept_in_that_folder_alone(tmp_path, monkeypatch):
    def twice(x):
        return 2 * x

    before = config.CACHE_DIR
    for chosen in (str(tmp_path), None):
        monkeypatch.setattr(jit, "FOLDER", chosen)
        assert jit.compiler(nogil=True)(twice)(3) == 6
        assert config.CACHE_DIR == before
        assert len(list(tmp_path.rglob("*.nbi"))) == 1


def test_an_installation_that_is_read_only_and_no_home(tmp_path):
    """The warning comes once, in one line; workers say nothing."""
    environment = ENVIRONMENT | {
        "HOME": "/proc/none",
        "XDG_CACHE_HOME": "",
        "NUMBA_CACHE_DIR": "",
        "TMPDIR": str(tmp_path),
    }
    code = (
        "import sys\nfrom minisnn.__main__ import _prepare_streams\n_prepare_streams()\n"
        "from multiprocessing import get_context\nfrom minisnn.kernels.jit import folder\n"
        "if __name__ == '__main__':\n    with get_context('spawn').Pool(1) as pool: pool.apply(folder)"
    )
    done = python(code, env=environment)
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("minisnn: warning: no cache folder can be written to"), done.stderr


@pytest.mark.parametrize(
    "redirection, words, status, sentence",
    [
        (
            ">/dev/full",
            "--help",
            2,
            "error: cannot write to standard output: No space left on device; send it elsewhere",
        ),
        (">/dev/full", "info --help", 2, "error: cannot write to standard output: No space left"),
        (">&-", "--version", 2, "error: standard output is closed; send it to a file, or to /dev/null"),
        ("2>&-", "info nofile.npz", 2, ""),
        ("2>/dev/full", "info nofile.npz", 2, ""),
        (">&- 2>&- <&-", "info nofile.npz", 2, ""),
    ],
)
def test_streams_that_are_closed_or_full(redirection, words, status, sentence):
    done = minisnn(redirection, *words.split())
    assert done.returncode == status and done.stderr.startswith("minisnn: " * bool(sentence) + sentence), done.stderr
    assert done.stderr.count("\n") == bool(sentence) and not done.stdout


@pytest.mark.parametrize("words", ["--help", "info --help", "info MODEL"])
def test_a_full_stream_without_a_buffer(words, integers):
    """PYTHONUNBUFFERED, which images of containers set: the print fails, and argparse would be silent about it."""
    model = integers.with_name("m.npz")
    words = words.replace("MODEL", str(model)).split()
    done = minisnn(">/dev/full", *words, env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"})
    assert done.returncode == 2
    assert done.stderr.startswith("minisnn: error: cannot write to standard output: No space left on device")


def test_a_training_without_standard_error(tmp_path):
    """No file gets the number of the closed stream, so that nothing else writes into it."""
    done = minisnn("2>&-", *TRAIN, "--figure", "none", "--out", tmp_path / "m.npz")
    assert done.returncode == 0 and "test accuracy" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


def test_a_terminal_without_umlauts(tmp_path):
    assert minisnn("", *TRAIN, "--figure", "none", "--out", tmp_path / "mä.npz").returncode == 0
    for command in ("info", "evaluate"):
        environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
        done = minisnn("", command, "mä.npz", cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)})
        assert done.returncode == 0 and done.stdout.isascii(), done.stderr
    done = minisnn("", "info", "mö.npz", env=environment)
    assert done.returncode == 2 and done.stderr.startswith(r"minisnn: error: m\xf6.npz does not exist")


@pytest.mark.parametrize("limit, kept, failed", [(1000, [], "m.npz.checkpoint"), (40_000, ["m.npz"], "m.png")])
def test_a_full_disk(tmp_path, limit, kept, failed):
    """It loses no complete file, and leaves no checkpoint of a training whose model is written."""
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))}
    done = minisnn("", *TRAIN, "--out", tmp_path / "m.npz", **full)
    sentence = f"cannot write {tmp_path / failed}: File too large; make room there, or name a file on another disk"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"minisnn: error: {sentence}")
    assert "Traceback" not in done.stderr and [path.name for path in tmp_path.iterdir()] == kept


@pytest.mark.parametrize(
    "words",
    ["inspect MODEL --out OUT", "cosim MODEL --images 1 --simulator ghdl", "vhdl MODEL --out OUT"],
)
def test_a_full_disk_of_the_hardware_commands(words, integers, tmp_path):
    """The system names no file: the sentence has the folders that are written to."""
    if "ghdl" in words and not shutil.which("ghdl"):
        pytest.skip("needs GHDL")
    out = tmp_path / "out"
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))}
    words = words.replace("MODEL", str(integers)).replace("OUT", str(out)).split()
    done = minisnn("", *words, env=ENVIRONMENT | {"TMPDIR": str(tmp_path)}, **limit)
    sentence = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert sentence.startswith("minisnn: error: cannot write ") and "File too large; make room there" in sentence
    assert str(tmp_path) in sentence and (str(out) in sentence) == ("inspect" in words)


def test_a_full_disk_in_a_sweep(tmp_path):
    """The file of results stays whole, and the same command continues it when there is room."""
    words = (*"sweep --topology 10 --epochs 1 --steps 2 --workers 1 --out".split(), tmp_path / "s.sqlite")
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))}
    done = minisnn("", *words, **full)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"minisnn: error: cannot write {tmp_path / 's.sqlite'} (" in done.stderr
    assert minisnn("", *words).returncode == 0


def test_a_full_disk_under_the_kept_kernels(tmp_path):
    """What was compiled runs; a warning says that it is not kept."""
    code = (
        "import numpy as np\nfrom minisnn.kernels import products\n"
        "print(products.pack_transpose(np.ones((1, 1, 2, 3), np.float32)).sum())"
    )
    full = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))}
    done = python(code, env=ENVIRONMENT | {"NUMBA_CACHE_DIR": str(tmp_path)}, **full)
    assert (done.returncode, done.stdout) == (0, "6.0\n"), done.stderr
    assert "compiled kernels cannot be kept (File too large)" in done.stderr


def test_ctrl_c_while_modules_are_imported():
    """Also in a callback, such as that of an import's lock, where Python drops the exception."""
    raised = (
        "import os, signal, sys\nfrom minisnn.__main__ import main\n"
        "class Finder:\n    def find_spec(name, *_):\n        if name == 'minisnn.commands.synth': strike()\n"
        "sys.meta_path.insert(0, Finder)\n"
        "def strike(): os.kill(os.getpid(), signal.SIGINT)\n"
    )
    ignored = (
        "import time, weakref\ninterrupt = strike\n"
        "def strike():\n    class Module: pass\n    reference = Module()\n"
        "    watched = weakref.ref(reference, lambda _: [interrupt(), time.sleep(0)])\n    del reference\n"
        "    for _ in range(500): time.sleep(0.01)\n"
    )
    for code in (raised, raised + ignored):
        done = python(code + "sys.exit(main())", "--help")
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "minisnn: interrupted\n")
