"""Files are complete or absent, whoever writes, reads, fails or dies at the same time; a lock ends with its process."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minisnn.errors import InputError
from minisnn.files import atomic_write, lock
from tests.helpers import posix

ROOT = Path(__file__).parents[1]
SIZE = 100_000


def python(code, *arguments):
    """Start Python code that has this module's imports and these arguments; its first line is "ready"."""
    head = "import sys, time\nfrom minisnn.files import atomic_write, lock\nprint('ready', flush=True)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", head + code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process):
    """Return the output after the first line, and the errors; not by `communicate`, which loses what is buffered."""
    process.stdin.close()
    return process.stdout.read(), process.stderr.read()


def test_two_writers_and_a_reader(tmp_path):
    """Of 800 writes by two processes none fails, and a reader always finds one complete content."""
    path = tmp_path / "file"
    atomic_write(path, b"0" * SIZE)
    code = f"sys.stdin.readline()\nfor _ in range(400): atomic_write(sys.argv[1], sys.argv[2].encode() * {SIZE})"
    writers = [python(code, path, letter) for letter in "ab"]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    seen = set()
    while any(writer.poll() is None for writer in writers):
        content = path.read_bytes()
        assert content == content[:1] * SIZE
        seen.add(content[:1])
    assert [finish(writer) for writer in writers] == [("", "")] * 2
    assert seen >= {b"a", b"b"} and [p.name for p in tmp_path.iterdir()] == ["file"]


@posix
def test_a_full_disk_keeps_the_former_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"former")
    code = (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "from minisnn.errors import InputError\n"
        "try: atomic_write(sys.argv[1], bytes(6000))\nexcept InputError as error: print(error)"
    )
    sentence = f"cannot write {path}: File too large; make room there, or name a file on another disk\n"
    assert finish(python(code, path)) == (sentence, "")
    assert path.read_bytes() == b"former" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "file", b"content")
    assert not list(tmp_path.iterdir())


def test_leftovers_of_killed_processes_are_removed_when_they_are_old(tmp_path):
    old, young, foreign = "file.00112233.part", "file.8899aabb.part", "file.mine.part"
    for name in (old, young, foreign):
        (tmp_path / name).write_bytes(b"half")
    for name in (old, foreign):
        os.utime(tmp_path / name, (0, 0))
    atomic_write(tmp_path / "file", b"content")
    assert {p.name for p in tmp_path.iterdir()} == {"file", young, foreign}


@posix
def test_a_symbolic_link_stays(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "file")
    for content in (b"first", b"second"):  # the target does not exist, and exists
        atomic_write(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "disk" / "file").read_bytes() == content
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["file"]


@posix
def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    for path, words in (("/dev/null", "is no file"), ("folder", "is no file"), ("no/file", "No such")):
        with pytest.raises(InputError, match=f"cannot write .*{words}.*name a file|name another file"):
            atomic_write(tmp_path / path, b"content")
    assert Path("/dev/null").is_char_device()


def test_a_lock_that_cannot_be_written_names_what_it_guards(tmp_path):
    """A user has not named the lock file, which is hidden."""
    with pytest.raises(InputError, match=f"^cannot write {re.escape(str(tmp_path / 'no' / 'out'))}: No such file"):
        with lock(tmp_path / "no" / ".out.lock", tmp_path / "no" / "out"):
            pass


@posix
def test_a_lock_ends_with_its_process(tmp_path):
    path = tmp_path / "lock"
    code = "with lock(sys.argv[1]) as mine: print(mine, flush=True); time.sleep(60)"
    holder = python(code, path)
    assert holder.stdout.readline() == "True\n"
    with lock(path) as mine:
        assert not mine
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert path.exists()  # a stale file blocks nobody
    with lock(path) as mine:
        assert mine
        with lock(path) as again:
            assert not again
    assert not path.exists()


def test_a_lock_in_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="cannot write .*lock: No such file or directory; name a file in a folder"):
        with lock(tmp_path / "no" / "lock"):
            pass


def test_many_processes_take_a_lock_in_turn(tmp_path):
    """The file is removed at each release, and still two never hold the lock: their sum would be short."""
    (tmp_path / "sum").write_text("0")
    code = """
path, number, done = sys.argv[1] + "/lock", sys.argv[1] + "/sum", 0
while done < 100:
    with lock(path) as mine:
        if mine:
            value = int(open(number).read())
            time.sleep(0)
            open(number, "w").write(str(value + 1))
            done += 1
"""
    processes = [python(code, tmp_path) for _ in range(3)]
    assert [finish(process) for process in processes] == [("", "")] * 3
    assert (tmp_path / "sum").read_text() == "300" and [p.name for p in tmp_path.iterdir()] == ["sum"]


WINDOWS = """
import errno, fcntl, sys, types

class Locking(types.ModuleType):
    LK_NBLCK = 2

    def locking(self, number, mode, size):
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PermissionError(errno.EACCES, "Permission denied")

sys.modules["msvcrt"], sys.platform = Locking("msvcrt"), "win32"
"""


@posix
def test_the_calls_of_windows(tmp_path):
    """The same lock with the calls of Windows, here played by those of this system."""
    code = WINDOWS + (
        "del sys.modules['minisnn.files']\nfrom minisnn.files import lock\n"
        "with lock(sys.argv[1]) as one, lock(sys.argv[1]) as two: print(one, two)\n"
        "with lock(sys.argv[1]) as three: print(three)"
    )
    assert finish(python(code, tmp_path / "lock")) == ("True False\nTrue\n", "") and not list(tmp_path.iterdir())
