"""Measurements in processes of their own, which end in time."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict

from . import race


def call(module, setting, seconds, *arguments):
    """Run ``python -m tests.benchmarks.MODULE SETTING ARGUMENTS`` and return the JSON it prints; None if time is over.

    What the child started itself, as a compiler, ends with it.
    """
    words = [sys.executable, "-m", f"{__package__}.{module}", json.dumps(asdict(setting)), *map(str, arguments)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            printed, _ = process.communicate(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return json.loads(printed.splitlines()[-1])


def setting():
    """Return the setting and the further arguments of this process, as `call` gave them."""
    fields = json.loads(sys.argv[1])
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return race.Setting(**values), sys.argv[2:]
