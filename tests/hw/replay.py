"""Replay the cycles of a MyHDL simulation as Verilog in Verilator, and compare all outputs; `simulate` has GHDL."""

import tempfile
from pathlib import Path

from myhdl import Signal

from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.hierarchy.elaborate import unelaborated
from minisnn_hw.generate.tools import call
from minisnn_hw.verify.simulate import line_of, width
from minisnn_hw.verify.verilate import run_verilator

BENCH = """module bench (input clk, input [{given_left}:0] given, output [{seen_left}:0] seen);
    dut under_test (.clk(clk), {ports});
endmodule
"""
# Both vectors have more than 64 bits, so Verilator makes them arrays of 32-bit words.
HOST = """#include "Vbench.h"
#include <fstream>
#include <string>

int main() {
    Vbench bench;
    std::ifstream given("given.txt");
    std::ofstream seen("seen.txt");
    std::string line;
    bench.clk = 0;
    while (given >> line) {
        for (std::size_t at = 0; at < line.size(); at++) {
            const std::size_t bit = line.size() - 1 - at;
            const uint32_t mask = 1u << bit % 32;
            bench.given[bit / 32] = (bench.given[bit / 32] & ~mask) | (line[at] == '1' ? mask : 0);
        }
        bench.eval();
        for (int bit = SEEN - 1; bit >= 0; bit--)
            seen << (bench.seen[bit / 32] >> bit % 32 & 1);
        seen << std::endl;
        bench.clk = 1;
        bench.eval();
        bench.clk = 0;
        bench.eval();
    }
}
"""


def connections(ports, wire):
    """Return named connections of ports to the bits of a wire, the first port to the highest."""
    at, result = sum(map(width, ports.values())), []
    for name, port in ports.items():
        result.append(f".{name}({wire}[{at - 1}:{at - width(port)}])")
        at -= width(port)
    return result


def same_in_verilator(make, ports, given, seen):
    """Check every output in every cycle."""
    inputs, outputs = ports
    bits = sum(map(width, outputs.values()))
    text = BENCH.format(
        given_left=max(sum(map(width, inputs.values())), 65) - 1,
        seen_left=max(bits, 65) - 1,
        ports=", ".join([*connections(inputs, "given"), *connections(outputs, "seen")]),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        block = unelaborated(make, clk=Signal(bool(0)), **inputs, **outputs)
        files = convert(block, folder, "dut", "verilog")
        (folder / "bench.v").write_text(text)
        (folder / "host.cpp").write_text(f"#define SEEN {bits}\n" + HOST)
        (folder / "given.txt").write_text("".join(line_of(values, inputs) for values in given))
        sources = ["bench.v", *(file.name for file in files), "host.cpp"]
        quick = ["-Wno-TIMESCALEMOD", "-MAKEFLAGS", "OPT_FAST=-O0"]  # a few thousand cycles cost less than to optimise
        run_verilator(folder, sources, "bench", quick)
        call([str(folder / "obj_dir/Vbench")], folder, 600)
        lines = (folder / "seen.txt").read_text().split()
    assert len(lines) == len(seen)
    for cycle, (line, values) in enumerate(zip(lines, seen)):
        assert line == line_of(values, outputs).strip(), f"cycle {cycle}"
