"""Pip installs every module and data file, and hw/ under the name minisnn_hw."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {"minisnn": ROOT / "minisnn", "minisnn_hw": ROOT / "hw"}


def test_the_build_has_every_file(tmp_path):
    command = [sys.executable, "-c", "from setuptools import setup; setup()", "-q", "build", "--build-base"]
    done = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for package, folder in FOLDERS.items():
        wanted = {
            path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        }
        built = {path.relative_to(tmp_path / "lib" / package) for path in (tmp_path / "lib" / package).rglob("*")}
        assert wanted and not wanted - built, f"setup.cfg does not install {sorted(map(str, wanted - built))}"
