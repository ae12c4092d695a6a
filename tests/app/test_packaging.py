"""Pip installs every module and data file, and hw/ as minisnn_hw; the source distribution has the tests and lessons."""

import configparser
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"minisnn": ROOT / "minisnn", "minisnn_hw": ROOT / "hw"}
# What the tests and the lessons need besides the packages, and what else one looks for in a distribution.
ROOMS = (".ci", ".github", "docs", "hw", "minisnn", "tests", "tutorials")
FILES = {
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "pyproject.toml",
    "setup.cfg",
}
GENERATED = ("__pycache__", ".hypothesis", ".ipynb_checkpoints", "*.py[cod]", "*.nbi", "*.nbc", "*.part")


def setup(folder, *words):
    """Run setuptools in a folder, as pip does."""
    command = [sys.executable, "-c", "from setuptools import setup; setup()", "-q", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def files(folder):
    """Return the paths of all files in a folder, relative to it."""
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_the_build_has_every_file(tmp_path):
    setup(ROOT, "build", "--build-base", tmp_path)
    for package, folder in FOLDERS.items():
        wanted = {path for path in files(folder) if "__pycache__" not in path.parts}
        built = files(tmp_path / "lib" / package)
        assert wanted and not wanted - built, f"setup.cfg does not install {sorted(map(str, wanted - built))}"


@pytest.fixture(scope="module")
def distribution(tmp_path_factory):
    """Folders with a copy of this tree, in which nothing is generated, and with what its source distribution holds."""
    folder = tmp_path_factory.mktemp("sdist")
    source, unpacked = folder / "source", folder / "unpacked"
    source.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, source)
    for name in ROOMS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*GENERATED))
    shutil.rmtree(source / "tutorials/output", ignore_errors=True)
    work = folder / "work"  # where it is built: with what tests, lessons and commands leave behind
    shutil.copytree(source, work)
    for name in (
        "tests/__pycache__/helpers.cpython-311.pyc",
        "tests/.hypothesis/examples/a",
        "minisnn/kernels/__pycache__/lif.nbi",
        "tutorials/output/01.png",
        "tutorials/.ipynb_checkpoints/01_one_neuron.ipynb",
        "build/lib/minisnn/lif.py",
        ".venv-dev/bin/python",
        "model.npz",
    ):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text("generated")
    setup(work, "sdist", "--formats", "gztar", "--dist-dir", folder)
    (archive,) = folder.glob("minisnn-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.with_suffix("").with_suffix("").rename(unpacked)
    return source, unpacked


def test_the_source_distribution_has_every_file(distribution):
    source, unpacked = distribution
    lacking = files(source) - files(unpacked)
    assert not lacking, f"MANIFEST.in leaves out {sorted(map(str, lacking))}"
    for name in (
        "LICENSE",
        "tests/conftest.py",
        "tests/hw/test_vhdl.py",
        "tutorials/01_one_neuron.py",
        "docs/glossary.md",
    ):
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_source_distribution_has_nothing_generated(distribution):
    source, unpacked = distribution
    surplus = {path for path in files(unpacked) - files(source) if path.parts[0] != "minisnn.egg-info"}
    assert surplus == {Path("PKG-INFO")}


def test_pythons_are_those_of_public_ci():
    """The Pythons that the package names are the ones that its public tests run on, from the oldest that it takes."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    named = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", config["metadata"]["classifiers"], re.M)
    (matrix,) = re.findall(r"^ *python: \[(.*)\]$", (ROOT / ".github/workflows/ci.yml").read_text("utf-8"), re.M)
    assert re.findall(r"\d\.\d+", matrix) == named
    assert config["options"]["python_requires"] == f">={named[0]}"
