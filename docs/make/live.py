"""The live pages: an image in the inspector, the report of the study, a design's manual; all made by the commands."""

import html
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPOLOGY = "8C3-MP2-24-10"  # small, so that the page is small too


def run(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Run a command of minisnn in a folder."""
    return subprocess.run([sys.executable, "-m", "minisnn", *words], cwd=folder, capture_output=True, text=True)


def minisnn(folder: Path, *words: str) -> None:
    """Run a command; what it prints is shown only if it fails."""
    done = run(folder, *words)
    if done.returncode:
        raise SystemExit(f"minisnn {' '.join(words)} failed:\n{done.stdout}{done.stderr}")


def report(folder: Path) -> None:
    """Make the report of the stored study; if it is of another version, say so, on the page and on the screen."""
    done = run(folder, "report", "study.sqlite", "--out", "report")
    if done.returncode == 2:
        refused = done.stderr.strip()
        print(f"no report: {refused}", flush=True)
        (folder / "report").mkdir(exist_ok=True)
        words = f"<p>The stored study has no report of this version: {html.escape(refused)}</p>"
        page = (
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>No report</title><body>{words}</body></html>'
        )
        (folder / "report/report.html").write_text(page, encoding="utf-8")
    elif done.returncode:
        raise SystemExit(f"minisnn report failed:\n{done.stdout}{done.stderr}")


def prepare(source: Path, work: Path) -> None:
    """Train a small network once, inspect an image, write its design and its manual, and make the study's report."""
    work.mkdir(parents=True, exist_ok=True)
    extra = source / "_extra"
    if not (work / "report/report.html").exists():
        minisnn(work, "train", "--topology", TOPOLOGY, "--epochs", "12", "--out", "model.npz")
        minisnn(work, "quantize", "model.npz", "--out", "model.int.npz")
        minisnn(work, "inspect", "model.int.npz", "--lanes", "8/8/2", "--out", "inspect")
        minisnn(work, "vhdl", "model.int.npz", "--lanes", "8/8/2", "--images", "1", "--out", "accelerator")
        shutil.copy2(ROOT / "tutorials/results/svhn10k/study.sqlite", work)
        report(work)
    for name in ("inspector", "report"):
        shutil.rmtree(extra / name, ignore_errors=True)
    (extra / "inspector").mkdir(parents=True)
    shutil.copy2(work / "inspect/inspect.html", extra / "inspector/inspect.html")
    shutil.copytree(work / "report", extra / "report")
