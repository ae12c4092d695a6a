"""The start of a simulation in Verilog: registers get their values so that every combinational block runs.

VHDL runs every process once at the start. Verilog runs ``always @*`` only when something changes that it reads; what is
0 from its declaration on never does, and a table would not be looked up for it. So registers get their initial values
by a non-blocking assignment at time 0: when it takes place, every block waits, and sees it as a change.
"""

import re
from typing import Any

from myhdl._enum import EnumItemType


def started(text: str, initial: dict[str, Any]) -> str:
    """Return a module in which `initial`, signals by name, get their initial values at time 0."""
    text = re.sub(r"(?m)^(reg (?:signed )?(?:\[[^\]]*\] )?\w+) = .*;$", r"\1;", text)
    for name in initial:  # what nothing drives is a wire for MyHDL
        text = re.sub(rf"(?m)^wire (.*\b{name};)$", r"reg \1", text)
        text = re.sub(rf"(?m)^assign {name} = \d+'d\d+;\n", "", text)
    if not initial:
        return text
    if len(initial) == 1:
        ((name, signal),) = initial.items()
        block = f"initial {name} <= {_value(signal)};\n"
    else:
        words = " ".join(f"{name} <= {_value(signal)};" for name, signal in initial.items())
        block = "initial begin\n" + "\n".join(_at_semicolons(words)) + "\nend\n"
    begin = r"(?m)^(?=(?:assign|always|initial|genvar|generate|KIND\d+KIND)\b|endmodule)"
    head, body = re.split(begin, text, maxsplit=1)
    return f"{head}{block}\n{body}"


def _at_semicolons(words):
    lines, here = [], "   "
    for word in words.replace("; ", ";\n").splitlines():
        if len(here) + len(word) + 1 > 120:
            lines.append(here)
            here = "   "
        here += f" {word}"
    return [*lines, here]


def _value(signal):
    """Return an initial value in Verilog."""
    value = signal._init
    if isinstance(value, EnumItemType):
        return value._toVerilog()
    number = int(value)
    if -(2**31) < number < 2**31:
        return str(number)
    return f"{signal._nrbits}'h{number & (1 << signal._nrbits) - 1:x}"
