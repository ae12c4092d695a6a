"""The wrapper with AXI4-Stream and AXI4-Lite: Verilog in Icarus under cocotb, with models of the buses by others."""

import json
from contextlib import suppress

import pytest

from minisnn_hw.boards import axi_accelerator
from minisnn_hw.boards.streamed import answer_bytes, whole_bytes
from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.hierarchy.elaborate import unelaborated
from minisnn_hw.load_format import design_word
from minisnn_hw.ports import bit
from tests.boards.designs import KINDS, MARGINS, case, exits, vectors
from tests.hw.ports import needs

WIDTHS = dict(zip((8, 16, 32, 64), KINDS))


def described(kind):
    """Return the case as plain values, for the cocotb side."""
    spec = case(kind)[0]
    networks = []
    for seed in (0, 1):
        assert case(kind, seed)[0] == spec
        load, images, answers = vectors(kind, seed)
        networks.append({"load": load.hex(), "images": [each.hex() for each in images], "answers": answers})
    words = [0 if margin is None else min(margin, spec.most_gain) for margin in MARGINS]
    by_margin = [
        {"margin": word, "load": load.hex(), "images": [each.hex() for each in images], "answers": answers}
        for word, (load, images, answers) in zip(words, exits(kind))
    ]
    return {
        "networks": networks,
        "exits": by_margin,
        "design": design_word(spec),
        "pixels": spec.layers[0].input_bits > 0,
        "answer_bytes": answer_bytes(spec),
        "input_bytes": whole_bytes(spec.input_bits),
        "load_bytes": whole_bytes(spec.load_bits),
        "longest_cycles": 600,
    }


@pytest.mark.parametrize("width", WIDTHS)
def test_under_cocotb(width, tmp_path):
    runner = pytest.importorskip("cocotb_tools.runner", reason="pip install cocotb cocotbext-axi")
    pytest.importorskip("cocotbext.axi", reason="pip install cocotb cocotbext-axi")
    needs("iverilog")
    kind = WIDTHS[width]
    file = tmp_path / "case.json"
    file.write_text(json.dumps(described(kind)))
    inputs, outputs = axi_accelerator.ports(width)
    block = unelaborated(axi_accelerator.design(case(kind)[0]), clk=bit(), **inputs, **outputs)
    sources = convert(block, tmp_path, "snn", "verilog")
    icarus = runner.get_runner("icarus")
    icarus.build(sources=sources, hdl_toplevel="snn", build_dir=tmp_path, always=True, timescale=("1ns", "1ps"))
    results, log = tmp_path / "results.xml", tmp_path / "log.txt"
    with suppress(SystemExit):  # if a test fails; its words are in the log
        icarus.test(
            hdl_toplevel="snn",
            test_module="tests.boards.cocotb_axi",
            build_dir=tmp_path,
            results_xml=str(results),
            extra_env={"BOARD_CASE": str(file), "COCOTB_LOG_LEVEL": "WARNING"},
            log_file=log,
        )
    assert runner.get_results(results) == (32, 0), log.read_text()[-8000:]
