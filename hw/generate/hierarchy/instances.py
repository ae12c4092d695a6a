"""Instances of sub-blocks: named ports, and loops over instances whose ports count evenly."""

import re
from collections.abc import Iterator
from itertools import groupby
from textwrap import indent

from myhdl import OpenPort
from myhdl._ShadowSignal import _SliceSignal

from .kinds import Child, Kind
from .names import Names

NUMBER = re.compile(r"(?<!\w)\d+(?!\w)")
LEAST = 3  # instances in a loop
SHORT = 100  # characters of ports that stand on the line of the port map


def instances(children: list[Child], hdl: str, names: Names) -> str:
    """Return the text of instances of one kind, as loops where that is possible."""
    kind, actuals = children[0].kind, [_actuals(child, hdl) for child in children]
    grid = _grid(actuals)
    for child in children:
        child.place = child.label
    if grid is None:
        return "".join(_instance(kind, child.label, words, hdl) for child, words in zip(children, actuals))
    label = re.sub(r"_\d+$", "", children[0].label)
    counts, words = grid
    loops = [
        (names.free(f"{'ijk'[at]}_{label.removeprefix('u_')}" if hdl == "verilog" else "ijk"[at]), n)
        for at, n in enumerate(counts)
    ]
    for at, (index, _) in enumerate(loops):
        words = [word.replace("ijk"[at] + "\0", index) for word in words]
    text = _instance(kind, label, words, hdl)
    names_of_loops: list[str] = []
    for (index, count), at in zip(reversed(loops), range(len(loops))):
        name = names.free(f"{'each' if at == 0 else 'all'}_{label.removeprefix('u_')}")
        names_of_loops.insert(0, name)
        if hdl == "vhdl":
            head = f"{name}: for {index} in 0 to {count - 1} generate\n"
            text = head + indent(text.rstrip("\n"), "    ") + f"\nend generate {name};\n\n"
        else:
            head = f"for ({index} = 0; {index} < {count}; {index} = {index} + 1) begin: {name}\n"
            text = head + indent(text.rstrip("\n"), "    ") + "\nend\n\n"
    left, right = "()" if hdl == "vhdl" else "[]"
    for n, child in enumerate(children):
        place = [n] if len(counts) == 1 else [*divmod(n, counts[1])]
        child.place = ".".join([*(f"{loop}{left}{i}{right}" for loop, i in zip(names_of_loops, place)), label])
    if hdl == "verilog":
        text = f"genvar {', '.join(index for index, _ in loops)};\ngenerate\n{text.rstrip()}\nendgenerate\n\n"
    return text


def _actuals(child: Child, hdl: str) -> list[str]:
    """Return what stands at each port of an instance."""
    result = []
    for path, port in child.kind.ports.items():
        signal = child.actuals[path]
        if isinstance(signal, OpenPort) or (port.out and not signal._used and not signal._inList):
            word = "open" if hdl == "vhdl" else ""  # nobody reads it
        else:
            word = tidy_range(signal._name)
            if hdl == "vhdl" and isinstance(signal, _SliceSignal) and signal._right is not None:
                if (signal._sig._min or 0) < 0:
                    word = f"unsigned({word})"  # in MyHDL a slice has no sign
        result.append(word)
    return result


def tidy_range(name: str) -> str:
    """Write the range of a slice, ``x(12-1 downto 6)`` in MyHDL's words, as numbers."""
    return re.sub(r"(\d+)-1(?= downto|:)", lambda found: str(int(found[1]) - 1), name)


def _instance(kind: Kind, label: str, words: list[str], hdl: str) -> str:
    """Return one instance: a bundle's ports on a line of their own; others, and those named as their signals, share."""
    form = "{} => {}" if hdl == "vhdl" else ".{}({})"
    rows: list[list[str]] = []
    shares = False
    for _, group in groupby(zip(kind.ports.items(), words), lambda pair: pair[0][1].argument):
        pairs = [(path, word) for (path, _), word in group]
        short = len(pairs) == 1 or all(path == word for path, word in pairs)
        if not (shares and short):
            rows.append([])
        rows[-1] += [form.format(*pair) for pair in pairs]
        shares = short
    lines = ",\n".join(" " * (8 if hdl == "vhdl" else 4) + ", ".join(row) for row in rows)
    short = len(rows) == 1 and len(lines.strip()) <= SHORT
    ports = lines.strip() if short else f"\n{lines}"
    if hdl == "vhdl":
        return f"{label}: entity work.{kind.token}\n    port map ({ports});\n\n"
    return f"{kind.token} {label} ({ports});\n\n"


def _grid(actuals: list[list[str]]) -> tuple[list[int], list[str]] | None:
    """Return the counts of one or two loops, and the words in them, in which an index is followed by a NUL.

    Instance n of `counts` (outer, inner) is that of outer index n // inner and inner index n % inner.
    """
    count = len(actuals)
    columns = list(zip(*actuals))
    if count < LEAST or any(len({NUMBER.sub("#", word) for word in column}) > 1 for column in columns):
        return None
    numbers = [list(zip(*([int(each) for each in NUMBER.findall(word)] for word in column))) for column in columns]
    for inner in [count, *(n for n in range(count - 1, LEAST - 1, -1) if count % n == 0)]:
        if all(_even(row, inner) for rows in numbers for row in rows):
            break
    else:
        return None
    counts = [inner] if inner == count else [count // inner, inner]
    words = []
    for column, rows in zip(columns, numbers):
        counted = (_counted(row, inner, count) for row in rows)
        words.append(NUMBER.sub(lambda _, counted=counted: next(counted), column[0]))  # type: ignore[misc]
    return counts, words


def _even(row, inner):
    """Return whether numbers are first + a * (n // inner) + b * (n % inner)."""
    a, b = (row[inner] - row[0] if inner < len(row) else 0), row[1] - row[0]
    return all(number == row[0] + a * (n // inner) + b * (n % inner) for n, number in enumerate(row))


def _counted(row, inner, count) -> str:
    """Write such numbers as an expression of the loops' indices."""
    first, b = row[0], row[1] - row[0]
    a = row[inner] - first if inner < count else 0
    steps = [(b, "i")] if inner == count else [(a, "i"), (b, "j")]
    more, less = ([f"{abs(s)}*{i}\0" if abs(s) > 1 else f"{i}\0" for s, i in steps if s * way > 0] for way in (1, -1))
    start = [str(first)] if first or not more else []
    return " - ".join([" + ".join([*more, *start]), *less])


def in_order(children: list[Child]) -> Iterator[list[Child]]:
    """Yield the instances of each kind together, in the order of their first ones."""
    groups: dict[int, list[Child]] = {}
    for child in children:
        groups.setdefault(id(child.kind), []).append(child)
    yield from groups.values()
