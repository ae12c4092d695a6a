"""FuseSoC runs the lint and the simulation of a delivered design, and the lint of the one behind AXI."""

import shutil
import subprocess
import sys

import pytest

from minisnn.commands import main
from minisnn_hw.boards.deliver_axi import deliver_axi
from tests.boards.designs import case, vectors
from tests.helpers import quantised_model


def fusesoc(folder, target, name):
    """Run a target of the core in a folder; return what it prints."""
    if shutil.which("fusesoc") is None:
        pytest.skip("fusesoc is not installed: pip install fusesoc")
    config = folder.parent / "fusesoc.conf"
    config.write_text(f"[main]\ncache_root = {folder.parent}/cache\nlibrary_root = {folder.parent}/libraries\n")
    command = ["fusesoc", "--config", str(config), "--cores-root", str(folder), "run", f"--target={target}"]
    done = subprocess.run(
        [*command, "--build-root", str(folder.parent / target), f"minisnn:snn:{name}"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=folder.parent,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small network, trained and quantised on the command line."""
    return quantised_model(tmp_path_factory.mktemp("model"), "10", "--epochs 1 --steps 2", "--weight-bits 4")


@pytest.mark.parametrize("hdl, tools", [("verilog", ["iverilog", "verilator"]), ("vhdl", ["ghdl"])])
def test_a_delivered_design(model, tmp_path, hdl, tools):
    """Lint and simulation succeed; the simulation fails if an answer is not the expected one."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path / "design"
    flags = ["--lanes", "2", "--hdl", hdl, "--name", "net", "--images", "1"]
    assert main(["vhdl", str(model), "--out", str(folder), *flags]) == 0
    status, output = fusesoc(folder, "sim", "net")
    assert status == 0 and "PASS" in output, output
    if hdl == "verilog":
        assert fusesoc(folder, "lint", "net")[0] == 0
    (folder / "expected.txt").write_text("0 00000001\n" + (folder / "expected.txt").read_text())
    status, output = fusesoc(folder, "sim", "net")
    assert status != 0 and "FAIL" in output, output


@pytest.mark.parametrize(
    "hdl, bits, tool, script",
    [
        ("verilog", 8, "iverilog", ["sh", "run.sh"]),
        ("vhdl", 16, "ghdl", ["sh", "run.sh"]),
        ("verilog", 64, "iverilog", [sys.executable, "run.py"]),
    ],
)
def test_a_bench_behind_axi(tmp_path, hdl, bits, tool, script):
    """It passes with pauses and without; it fails if an answer differs in a bit."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    load, images, answers = vectors("pixels")
    about = {"load": load.hex(), "images": [image.hex() for image in images], "answers": answers}

    def run():
        return subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    for name, text in deliver_axi(case("pixels")[0], bits, about, "net", hdl).items():
        (tmp_path / name).write_text(text)
    done = run()
    assert done.returncode == 0 and done.stdout.count("PASS\n") == 2, done.stdout + done.stderr
    assert "images 3," in done.stdout and "pause 3," in done.stdout
    about["answers"] = [answers[0], [answers[1][0] + 1, *answers[1][1:]], *answers[2:]]
    for name, text in deliver_axi(case("pixels")[0], bits, about, "net", hdl).items():
        (tmp_path / name).write_text(text)
    done = run()
    assert done.returncode != 0 and "differences 1," in done.stdout and "PASS" not in done.stdout


def test_a_design_behind_axi(model, tmp_path):
    """Its Verilog passes the lint; its VHDL is legal in 1993, which block designs of vendors want."""
    folder = tmp_path / "design"
    flags = ["--axi", "64", "--lanes", "2", "--hdl", "verilog", "--name", "net"]
    assert main(["vhdl", str(model), "--out", str(folder), *flags]) == 0
    status, output = fusesoc(folder, "lint", "net")
    assert status == 0, output
    if shutil.which("ghdl"):
        files = deliver_axi(case("pixels")[0], 16, {"load": "", "images": [], "answers": []}, "net", "vhdl")
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        subprocess.run(["ghdl", "-a", "--std=93", *files["net.f"].split()], cwd=tmp_path, check=True)
        subprocess.run(["ghdl", "-e", "--std=93", "net"], cwd=tmp_path, check=True)
    with pytest.raises(ValueError, match="axi must be one of 8, 16, 32, 64, 128"):
        deliver_axi(case("pixels")[0], 24, {})
