"""One bench for every block: run it in MyHDL, replay the same cycles as VHDL in GHDL, and compare all outputs.

Inputs change after a rising edge of `clk` and outputs are read before the next, so a cycle has one set of inputs and
one of outputs. The inputs of the MyHDL run are written to a text file, which a VHDL bench reads line by line; every
output must be the same in every cycle.
"""

import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from myhdl import Signal, Simulation, StopSimulation, _bin, delay, instance

from ..generate.convert import convert
from ..generate.hierarchy.elaborate import unelaborated, without_sources
from ..generate.tools import call, need

Values = dict[str, int]
Drive = Callable[[int, Values], Values]


class Mismatch(AssertionError):
    """VHDL and MyHDL differ; the message names the cycle and the port."""


def run(
    make: Callable, inputs: dict, outputs: dict, drive: Drive, cycles: int | None = None, keep: bool = True
) -> tuple[list[Values], list[Values]]:
    """Simulate a block in MyHDL; return its inputs and its outputs in every cycle, as dicts by port.

    `make` is called as ``make(clk=..., **inputs, **outputs)``. ``drive(cycle, seen)`` returns the inputs of a cycle
    (those left out are 0) from the outputs at the end of the cycle before, and may raise StopIteration to end. With
    ``keep=False`` the lists stay empty, which saves memory in long runs. Raise TimeoutError after `cycles` cycles.
    """
    clk = Signal(bool(0))
    given: list[Values] = []
    seen: list[Values] = []
    with without_sources():
        dut = make(clk=clk, **inputs, **outputs)

    @instance
    def stimulus():
        before = {name: int(signal) for name, signal in outputs.items()}
        for cycle in count():
            if cycle == cycles:
                raise TimeoutError(f"the simulation has not ended after {cycles} cycles")
            try:
                values = drive(cycle, before)
            except StopIteration:
                break
            values = {name: int(values.get(name, 0)) for name in inputs}
            for name, value in values.items():
                inputs[name].next = value
            yield delay(5)
            before = {name: int(signal) for name, signal in outputs.items()}
            if keep:
                given.append(values)
                seen.append(before)
            clk.next = 1
            yield delay(5)
            clk.next = 0
        raise StopSimulation

    simulation = Simulation(dut, stimulus)
    with _quick_digits():
        simulation.run(quiet=1)
    simulation.quit()
    return given, seen


@contextmanager
def _quick_digits():
    """Replace MyHDL's function of binary digits, which takes a sixth of a simulation, by one that returns the same."""
    slow = _bin._int2bitstring
    _bin._int2bitstring = binary_digits
    try:
        yield
    finally:
        _bin._int2bitstring = slow


def binary_digits(number: int) -> str:
    """Return a number in two's complement, in as few digits as it takes if the first one of a negative number is 1."""
    if number >= 0:
        return f"{number:b}"
    width = (~number).bit_length() + 1
    return f"{number + (1 << width):b}"


def same_in_ghdl(
    make: Callable, inputs: dict, outputs: dict, given: list[Values], seen: list[Values], timeout: float = 300
) -> None:
    """Replay the cycles of :func:`run` in GHDL, with new signals, and compare all outputs.

    Raise Mismatch at the first output that differs, and ToolError if GHDL is missing, refuses the VHDL, or warns.
    """
    (ghdl,) = need("ghdl")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = convert(unelaborated(make, clk=Signal(bool(0)), **inputs, **outputs), folder, "dut")
        bench = folder / "bench.vhd"
        bench.write_text(_bench(inputs, outputs), encoding="utf-8", newline="\n")
        (folder / "given.txt").write_text(
            "".join(line_of(values, inputs) for values in given), encoding="utf-8", newline="\n"
        )
        options = ["--std=08", f"--workdir={folder}"]
        call([ghdl, "-a", *options, *map(str, files), str(bench)], folder, timeout)
        call([ghdl, "-r", *options, "bench", "--ieee-asserts=disable-at-0", "--assert-level=warning"], folder, timeout)
        lines = (folder / "seen.txt").read_text(encoding="utf-8").splitlines()
    if len(lines) != len(seen):
        raise Mismatch(f"GHDL ran {len(lines)} of {len(seen)} cycles")
    driven: set[int] = set()  # bits that have had a value: an output in VHDL is undefined until it is first driven
    for cycle, (line, values) in enumerate(zip(lines, seen)):
        expected = line_of(values, outputs).strip()
        driven |= {i for i, bit in enumerate(line) if bit != "U"}
        line = "".join(bit if i in driven else wanted for i, (bit, wanted) in enumerate(zip(line, expected)))
        if line != expected:
            raise Mismatch(f"cycle {cycle}: {_difference(outputs, line, expected)}")


def width(signal: Any) -> int:
    """Return the bits of a signal; MyHDL gives a signal of type bool the length 0."""
    return len(signal) or 1


def line_of(values: Values, ports: dict) -> str:
    """Return values as one line of bits, two's complement, the first port in the highest."""
    bits = [format(values[name] & ((1 << width(signal)) - 1), f"0{width(signal)}b") for name, signal in ports.items()]
    return "".join(bits) + "\n"


def _difference(ports, line, expected):
    at = 0
    for name, signal in ports.items():
        a, b = line[at : at + width(signal)], expected[at : at + width(signal)]
        if a != b:
            return f"{name} is {a} in VHDL and {b} in MyHDL"
        at += width(signal)
    return "lines of different lengths"


def _vhdl_type(signal):
    """Return a port's type, the conversion of a std_logic_vector to it, and the way back."""
    if isinstance(signal.val, bool):
        return "std_logic", "{}({})", "{}"
    kind = "signed" if signal.min is not None and signal.min < 0 else "unsigned"
    return f"{kind}({width(signal) - 1} downto 0)", kind + "({}({} downto {}))", "std_logic_vector({})"


def _bench(inputs, outputs):
    """Return the VHDL bench: it reads a line of given.txt a cycle, and writes a line of seen.txt."""
    ports = {**inputs, **outputs}
    declared, assigned, at = [], [], sum(width(signal) for signal in inputs.values())
    total = at
    for name, signal in ports.items():
        declared.append(f"    signal p_{name}: {_vhdl_type(signal)[0]};")
    for name, signal in inputs.items():
        low = at - width(signal)
        kind = _vhdl_type(signal)[1]
        assigned.append(
            f"            p_{name} <= "
            + (kind.format("bits", low) if isinstance(signal.val, bool) else kind.format("bits", at - 1, low))
            + ";"
        )
        at = low
    joined = " & ".join(_vhdl_type(signal)[2].format(f"p_{name}") for name, signal in outputs.items())
    out_width = sum(width(signal) for signal in outputs.values())
    mapped = ", ".join(["clk => clk", *(f"{name} => p_{name}" for name in ports)])
    return "\n".join(
        [
            "library ieee;",
            "use ieee.std_logic_1164.all;",
            "use ieee.numeric_std.all;",
            "use std.textio.all;",
            "use ieee.std_logic_textio.all;",
            "entity bench is",
            "end entity;",
            "architecture replay of bench is",
            "    signal clk: std_logic := '0';",
            *declared,
            "begin",
            f"    dut: entity work.dut port map ({mapped});",
            "    process",
            '        file given: text open read_mode is "given.txt";',
            '        file seen: text open write_mode is "seen.txt";',
            "        variable line_in, line_out: line;",
            f"        variable bits: std_logic_vector({total - 1} downto 0);",
            f"        variable result: std_logic_vector({out_width - 1} downto 0);",
            "    begin",
            "        while not endfile(given) loop",
            "            readline(given, line_in);",
            "            read(line_in, bits);",
            *assigned,
            "            wait for 5 ns;",
            f"            result{'' if out_width > 1 else '(0)'} := {joined};",
            "            write(line_out, result);",
            "            writeline(seen, line_out);",
            "            clk <= '1';",
            "            wait for 5 ns;",
            "            clk <= '0';",
            "        end loop;",
            "        wait;",
            "    end process;",
            "end architecture;",
            "",
        ]
    )
