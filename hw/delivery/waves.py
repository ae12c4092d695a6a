"""Timing diagrams in plain text, and the diagrams of the accelerator's three streams."""

from collections.abc import Mapping, Sequence

Row = Sequence[int | str]

# Values of each signal, cycle by cycle: 0 or 1, or the name of the word on `tdata` while `tvalid` is 1.
LOAD: dict[str, Row] = {
    "s_load_tvalid": (0, 1, 1, 1, 1, 0, 1, 0, 0),
    "s_load_tdata": (0, "beat 0", "beat 0", "beat 0", "beat 1", 0, "last", 0, 0),
    "s_load_tlast": (0, 0, 0, 0, 0, 0, 1, 0, 0),
    "s_load_tready": (0, 0, 0, 1, 1, 1, 1, 0, 0),
    "loaded": (1, 1, 1, 0, 0, 0, 0, 0, 1),
}
INPUT: dict[str, Row] = {
    "s_input_tvalid": (1, 0, 1, 1, 1, 1, 1),
    "s_input_tdata": ("word", 0, "last", "first", "first", "first", "next"),
    "s_input_tlast": (0, 0, 1, 0, 0, 0, 0),
    "s_input_tready": (1, 1, 1, 0, 0, 1, 1),
}
OUTPUT: dict[str, Row] = {
    "m_output_tvalid": (0, 1, 1, 1, 0, 1, 1, 1, 0),
    "m_output_tdata": (0, "score", "score", "score", 0, "score", "class", "cycles", 0),
    "m_output_tlast": (0, 0, 0, 0, 0, 0, 0, 1, 0),
    "m_output_tready": (1, 0, 0, 1, 1, 1, 1, 1, 1),
}


def waves(rows: Mapping[str, Row]) -> str:
    """Draw the values of each signal, cycle by cycle; a cycle begins with a rising edge."""
    count = len(next(iter(rows.values())))
    lines = [
        "cycle".ljust(17) + "".join(f"{cycle:<8}" for cycle in range(count)),
        "clk".ljust(17) + "/---\\___" * count,
    ]
    for name, values in rows.items():
        line, before = "", values[0]
        for cycle, value in enumerate(values):
            if isinstance(value, str):
                begins, ends = cycle == 0 or value != before, cycle + 1 == count or values[cycle + 1] != value
                cell = ("<" + value if begins else "").ljust(7 if ends else 8) + (">" if ends else "")
            else:
                edge = isinstance(before, int) and value != before
                cell = ("/" if value else "\\") * edge + ("-" if value else "_") * (8 - edge)
            line, before = line + cell, value
        lines.append(name.ljust(17) + line)
    return "".join(f"    {line.rstrip()}\n" for line in lines)
