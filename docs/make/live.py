"""The live pages: an image in the inspector, the report of a study, a design's manual; all made by the commands."""

import shutil
import subprocess
import sys
from pathlib import Path

TOPOLOGY = "8C3-MP2-24-10"  # small, so that the page is small too


def minisnn(folder: Path, *words: str) -> None:
    """Run a command of minisnn in a folder; what it prints is shown only if it fails."""
    done = subprocess.run([sys.executable, "-m", "minisnn", *words], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"minisnn {' '.join(words)} failed:\n{done.stdout}{done.stderr}")


def prepare(source: Path, work: Path) -> None:
    """Train a small network once, inspect an image, write its design and its manual; and run the study on digits."""
    work.mkdir(parents=True, exist_ok=True)
    extra = source / "_extra"
    if not (work / "study/report/report.html").exists():
        minisnn(work, "train", "--topology", TOPOLOGY, "--epochs", "12", "--out", "model.npz")
        minisnn(work, "quantize", "model.npz", "--out", "model.int.npz")
        minisnn(work, "inspect", "model.int.npz", "--lanes", "8/8/2", "--out", "inspect")
        minisnn(work, "vhdl", "model.int.npz", "--lanes", "8/8/2", "--images", "1", "--out", "accelerator")
        minisnn(work, "reproduce", "--out", "study")
    for name in ("inspector", "report"):
        shutil.rmtree(extra / name, ignore_errors=True)
    (extra / "inspector").mkdir(parents=True)
    shutil.copy2(work / "inspect/inspect.html", extra / "inspector/inspect.html")
    shutil.copytree(work / "study/report", extra / "report")
