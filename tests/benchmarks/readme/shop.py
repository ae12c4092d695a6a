"""Runs commands for the sections, in a folder of their own; what ran on the present sources is not run again."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from minisnn.files import atomic_write

from .record import ROOT

# A matrix product adds in the order that OpenBLAS takes for the processor at hand. With this, a training gives the
# same model on every x86-64 processor with AVX2.
SAME_SUMS = {"OPENBLAS_CORETYPE": "Haswell"}
_TRAINING = ("minisnn/*.py", "minisnn/kernels", "minisnn/training", "minisnn/data")
_CYCLES = (*_TRAINING, "minisnn/fixed", "minisnn/timing")
_GATES = (*_CYCLES, "hw/*.py", "hw/parts", "hw/generate")
# The sources that the result of a command depends on: a change in them means that it must run again.
SOURCES = {
    "train": _TRAINING,
    "evaluate": _TRAINING,
    "quantize": (*_TRAINING, "minisnn/fixed"),
    "cycles": _CYCLES,
    "cosim": (*_GATES, "hw/verify"),
    "synth": (*_GATES, "hw/synth"),
    "board": (*_GATES, "hw/boards", "hw/delivery", "hw/verify/verilate.py"),
    "report": ("minisnn/study", "minisnn/timing", "tutorials/results/svhn/study.sqlite"),
}
_SUFFIXES = (".py", ".js", ".css", ".html", ".vhd", ".cpp", ".gz", ".sqlite")


class Missing(RuntimeError):
    """A section cannot be measured here; the sentence says what it lacks."""


def state(command: str) -> str:
    """Return a digest of the sources that a command depends on."""
    words = [word for word in command.split() if "=" not in word]
    digest = hashlib.sha256()
    for pattern in SOURCES.get("".join(words[1:2]), ("minisnn", "hw")):
        for path in sorted(ROOT.glob(pattern)):
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.suffix in _SUFFIXES:
                    digest.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:12]


class Shop:
    """Runs commands in `folder`; `data` is the folder of data sets, `again` says to run what ran before too.

    A command is text as a reader types it, with DIR in place of the folder of its data set. ``commands`` lists those of
    the section at hand, ``note`` is a sentence about it.
    """

    def __init__(self, folder, data=None, again=False):
        self.folder, self.data, self.again = Path(folder).resolve(), data, again
        self.folder.mkdir(parents=True, exist_ok=True)
        self.memory = self.folder / "memory.json"
        self.fresh: set = set()
        self.begin()

    def begin(self):
        """Begin a section."""
        self.commands, self.note = [], ""

    def run(self, command, data="", env=None):
        """Return (what a command prints, its seconds), now or when it last ran on the present sources."""
        if env is None:
            env = SAME_SUMS if command.split()[1] in ("train", "evaluate", "quantize") else {}
        told = " ".join([*(f"{name}={value}" for name, value in env.items()), command])
        if told not in self.commands:
            self.commands.append(told)
        key = f"{told} @ {state(told)}"
        known = self._known()
        if key not in known or (self.again and key not in self.fresh):
            result = self._call(command, self._folder_of(data), env)
            self.fresh.add(key)
            known = self._known() | {key: result}  # read again: another process may have written meanwhile
            atomic_write(self.memory, json.dumps(known).encode())
        return known[key]

    def _known(self):
        return json.loads(self.memory.read_text()) if self.memory.exists() else {}

    def json(self, command, data="", env=None):
        """Return what a command prints as JSON."""
        return json.loads(self.run(f"{command} --json", data, env)[0])

    def keep(self, name, path):
        """Copy a file of the folder into the repository, and return {path: its digest}."""
        shutil.copyfile(self.folder / name, ROOT / path)
        return {path: digest(ROOT / path)}

    def _folder_of(self, data):
        if not data:
            return None
        folder = Path(self.data or "") / data
        if not self.data or not folder.is_dir():
            raise Missing(f"needs --data with a folder {data} in it")
        return folder.resolve()

    def _call(self, command, data, env):
        words = shlex.split(command.replace("DIR", shlex.quote(str(data)) if data else "DIR"))
        if words[0] in ("minisnn", "python"):
            words = [sys.executable, *(["-m", "minisnn"] if words[0] == "minisnn" else []), *words[1:]]
        elif not shutil.which(words[0]) and not (self.folder / words[0]).exists():
            raise Missing(f"needs {words[0]}")
        print(f"  {command}", file=sys.stderr, flush=True)
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
        start = time.perf_counter()
        done = subprocess.run(words, cwd=self.folder, env=os.environ | paths | env, stdout=subprocess.PIPE, text=True)
        if done.returncode == 2:
            raise Missing(f"its command was refused: {command}")
        if done.returncode:
            raise RuntimeError(f"{command} failed with status {done.returncode}:\n{done.stdout[-2000:]}")
        return done.stdout, round(time.perf_counter() - start, 1)


def digest(path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
