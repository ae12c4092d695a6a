"""One bench for every block: run it in MyHDL, then the same cycles as VHDL in GHDL, and compare all outputs.

Inputs change after the rising edge of `clk` and outputs are read before the next one, so a cycle is one line of
input values and one of output values. What drove the MyHDL block is written to a text file, a VHDL bench reads
it line by line, and every output must be the same in every cycle.
"""

import tempfile
from itertools import count
from pathlib import Path

from myhdl import Signal, Simulation, StopSimulation, delay, instance

from ..generate.convert import convert
from ..generate.tools import call, need, shallow


class Mismatch(AssertionError):
    """VHDL and MyHDL differ; says in which cycle and port."""


def run(make, inputs, outputs, drive, cycles=None, keep=True):
    """Simulate a block in MyHDL.

    Parameters
    ----------
    make : callable
        Called as ``make(clk=..., **inputs, **outputs)``; returns the block.
    inputs, outputs : dict of str to Signal
        Its ports but `clk`.
    drive : callable
        ``drive(cycle, seen)`` returns the inputs of a cycle as a dict of str to int (those left out are 0), from the
        outputs `seen` at the end of the cycle before. May raise StopIteration to end.
    cycles : int, optional
        To run at most.
    keep : bool
        Whether to return what was given and seen; a long run may be too much to keep.

    Returns
    -------
    given, seen : list of dict of str to int
        Inputs and outputs of each cycle.

    Raises
    ------
    TimeoutError
        If `drive` has not ended it after so many cycles.
    """
    clk = Signal(bool(0))
    given, seen = [], []
    dut = shallow(make, clk=clk, **inputs, **outputs)

    @instance
    def stimulus():
        before = {name: int(signal) for name, signal in outputs.items()}
        for cycle in count():
            if cycle == cycles:
                raise TimeoutError(f"not at its end after {cycles} cycles")
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
    simulation.run(quiet=1)
    simulation.quit()
    return given, seen


def same_in_ghdl(make, inputs, outputs, given, seen, timeout=300):
    """Replay the cycles of :func:`run` in GHDL.

    Parameters
    ----------
    make, inputs, outputs
        As for :func:`run`, with fresh signals.
    given, seen : list of dict of str to int
        What :func:`run` returned.
    timeout : float
        Seconds.

    Raises
    ------
    Mismatch
        At the first output that differs.
    ToolError
        If GHDL is missing, refuses the VHDL, or warns of a truncation.
    """
    (ghdl,) = need("ghdl")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        files = convert(make, inputs, outputs, folder)
        bench = folder / "bench.vhd"
        bench.write_text(_bench(inputs, outputs))
        (folder / "given.txt").write_text("".join(_line(values, inputs) for values in given))
        options = ["--std=08", f"--workdir={folder}"]
        for file in [*files, bench]:
            call([ghdl, "-a", *options, str(file)], folder, timeout)
        call([ghdl, "-r", *options, "bench", "--ieee-asserts=disable-at-0", "--assert-level=warning"], folder, timeout)
        found = (folder / "seen.txt").read_text().splitlines()
    if len(found) != len(seen):
        raise Mismatch(f"GHDL ran {len(found)} cycles of {len(seen)}")
    driven = set()  # bits of outputs that had a value: VHDL's outputs have none before their first
    for cycle, (line, values) in enumerate(zip(found, seen)):
        expected = _line(values, outputs).strip()
        driven |= {i for i, bit in enumerate(line) if bit != "U"}
        line = "".join(bit if i in driven else wanted for i, (bit, wanted) in enumerate(zip(line, expected)))
        if line != expected:
            raise Mismatch(f"cycle {cycle}: {_difference(outputs, line, expected)}")


def _width(signal):
    return len(signal) or 1


def _line(values, ports):
    """Values as one line of bits, two's complement."""
    bits = [format(values[name] & ((1 << _width(signal)) - 1), f"0{_width(signal)}b") for name, signal in ports.items()]
    return "".join(bits) + "\n"


def _difference(ports, line, expected):
    at = 0
    for name, signal in ports.items():
        a, b = line[at : at + _width(signal)], expected[at : at + _width(signal)]
        if a != b:
            return f"{name} is {a} in VHDL and {b} in MyHDL"
        at += _width(signal)
    return "lines of different lengths"


def _vhdl_type(signal):
    """(type, conversion of a std_logic_vector to it, and back) of a port."""
    if isinstance(signal.val, bool):
        return "std_logic", "{}({})", "{}"
    kind = "signed" if signal.min is not None and signal.min < 0 else "unsigned"
    return f"{kind}({_width(signal) - 1} downto 0)", kind + "({}({} downto {}))", "std_logic_vector({})"


def _bench(inputs, outputs):
    """The VHDL bench: a line of given.txt a cycle in, a line of seen.txt out."""
    ports = {**inputs, **outputs}
    declared, assigned, at = [], [], sum(_width(signal) for signal in inputs.values())
    total = at
    for name, signal in ports.items():
        declared.append(f"    signal p_{name}: {_vhdl_type(signal)[0]};")
    for name, signal in inputs.items():
        low = at - _width(signal)
        kind = _vhdl_type(signal)[1]
        assigned.append(
            f"            p_{name} <= "
            + (kind.format("bits", low) if isinstance(signal.val, bool) else kind.format("bits", at - 1, low))
            + ";"
        )
        at = low
    joined = " & ".join(_vhdl_type(signal)[2].format(f"p_{name}") for name, signal in outputs.items())
    out_width = sum(_width(signal) for signal in outputs.values())
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
