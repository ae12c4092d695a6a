"""MyHDL's text made legal in VHDL-93 and Verilog-2001, and the same in every run."""

import re
from math import prod

PACKAGES = "use std.textio.all;"  # MyHDL names it in every file; nothing here needs it


def tidy(text: str, hdl: str) -> str:
    """Return MyHDL's text of an entity, repaired."""
    text = re.sub(r"\b(\d+)-1(?= downto|\)| loop|:|\])", lambda found: str(int(found[1]) - 1), text)
    text = _vhdl(text) if hdl == "vhdl" else _verilog(text)
    lines = []
    for line in text.strip().splitlines():
        if line.strip() != PACKAGES:
            lines.append(line.rstrip())
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines) + "\n")
    return re.sub(r"\n\n(?=entity|architecture|end architecture|endmodule)", "\n", text)


def _vhdl(text):
    text = text.replace("\t", "    ")
    text = re.sub(r"(?<= to )\(([\d+* -]+)\)-1(?= loop)", lambda found: str(_sum(found[1]) - 1), text)
    text = re.sub(r'\b(\d+)X"([0-9a-fA-F]+)"', _literal, text)
    text = re.sub(r"(signed|unsigned)'\(\"(0+)\"\)", lambda found: f"to_{found[1]}(0, {len(found[2])})", text)
    text = re.sub(r" /\* .*? \*/", "", text)  # a comment of VHDL-2008
    text = re.sub(r"\b(signed|unsigned) \(", r"\1(", text)
    return re.sub(r"(?m)^(.*: process )\((.*)\)( is)$", _sorted, text)


def _sum(words):
    """Return the value of numbers that are added, subtracted and multiplied; VHDL-93 wants it as a number."""
    return sum(prod(map(int, part.replace(" ", "").split("*"))) for part in words.replace("- ", "+ -").split("+"))


def _literal(found):
    """Write MyHDL's 6X"1f", which is VHDL-2008, for every VHDL."""
    width, value = int(found[1]), int(found[2], 16)
    return f'"{value % (1 << width):0{width}b}"' if value else "(others => '0')"


def _sorted(found):
    return f"{found[1]}({', '.join(sorted(found[2].split(', ')))}){found[3]}"


def _verilog(text):
    return re.sub(r"(?m)^always @\((?!posedge|negedge).*\)", "always @*", text)
