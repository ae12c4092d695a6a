"""Expressions as a person writes them: ``x = '1'`` for MyHDL's ``bool(x)``, and no parentheses without a meaning."""

import re

from myhdl.conversion._toVHDLPackage import _package

_NAME = r"[\w']+(?:\([^()]*\))?"
_OPERAND = rf"{_NAME}(?: [+-] {_NAME})?"
_COMPARED = re.compile(rf"(?<=[( ])\(({_OPERAND} (?:=|/=|<|>|<=|>=) {_OPERAND})\)(?=\)| and | or | then)")
# What a whole expression comes behind: in Verilog the parentheses behind ``if`` belong to it.
_WHOLE = {
    "vhdl": re.compile(r"(?:\b(?:els)?if |(?:<=|:=) |\()(?=\()"),
    "verilog": re.compile(r"(?:(?:<=|(?<![=<>!])=) |\()(?=\()"),
}
_BOOL = re.compile(r"(\(not )?\bbool\((?=[\w(])")


def readable(text: str, hdl: str) -> str:
    """Return the text of an entity with readable conditions."""
    if hdl == "vhdl":
        types = _types(text)
        lines = [line if line.startswith("--") else _compared(_tested(line, types)) for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    return "\n".join(_unwrapped(line, _WHOLE[hdl]) for line in text.splitlines()) + "\n"


def _types(text):
    """Return the type of each signal, and of the elements of each array."""
    found = dict(re.findall(r"\b(\w+): (?:in |out |inout )?(std_logic|unsigned|signed)\b", text))
    elements = dict(re.findall(r"\btype (t_array_\w+) is array\([^;]*\) of (std_logic|unsigned|signed)\b", text))
    return found | {
        name: f"array of {elements[kind]}"
        for name, kind in re.findall(r"\b(\w+): (t_array_\w+)", text)
        if kind in elements
    }


def _tested(line, types):
    """Write ``bool(x)`` as a comparison, whatever a signal's type."""
    at = 0
    while found := _BOOL.search(line, at):
        end = _closing(line, found.end() - 1)
        given, denied = line[found.end() : end], bool(found[1])
        name, index = re.fullmatch(r"(\w+)(.*)", given).groups() if re.match(r"\w", given) else ("", "")
        kind = types.get(name, "")
        if index and "downto" not in index:
            kind = {"array of std_logic": "std_logic", "unsigned": "std_logic", "signed": "std_logic"}.get(kind, "")
        if denied and line[end + 1 : end + 2] != ")":
            kind = ""
        if kind == "std_logic":
            test = f"{given} {'/=' if denied else '='} '1'"
        elif kind in ("unsigned", "signed"):
            test = f"{given} {'=' if denied else '/='} 0"
        else:
            at = found.end()
            continue
        line = f"{line[: found.start()]}({test}){line[end + 1 + denied :]}"
    return line


def _compared(line):
    """Take the parentheses from comparisons between logical operators, which bind less."""
    before = None
    while line != before:
        before, line = line, _COMPARED.sub(r"\1", line)
    return line


def _unwrapped(line, whole):
    """Take one of two pairs of parentheses around an expression, and the only pair around a whole one."""
    at = 0
    while found := whole.search(line, at):
        start = found.end()
        end = _closing(line, start)
        rest = line[end + 1 :]
        ends = rest.startswith(")" if found[0] == "(" else (";", " then"))
        if ends and "=>" not in line[start:end]:  # an aggregate keeps its own
            line = line[:start] + line[start + 1 : end] + rest
        else:
            at = found.end()
    return line


def _closing(line, start):
    """Return the place of the parenthesis that closes the one at `start`."""
    depth = 0
    for at in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[at], 0)
        if not depth:
            return at
    return len(line)


# The functions of MyHDL's package; some have the names of IEEE's, which take no numbers, words or generics to convert.
_CONVERTED = re.compile(
    r"\b(?:stdl|bool|tern_op|enum_encoding)\b|\bto_(?:integer|unsigned|signed)\((?!-?\d)|[(=] ?-[a-z(]"
)


def converts(text: str) -> bool:
    """Return whether an entity may call a function of MyHDL's package."""
    return bool(_CONVERTED.search(text))


def package(texts: list[str]) -> str:
    """Return MyHDL's package of conversions without functions that none of the texts calls."""
    text = _package.replace("\t", "    ")
    for name in ("tern_op", "bool"):
        if not any(re.search(rf"\b{name}\(", each) for each in texts):
            text = re.sub(rf" +function {name} ?\([^()]*\) return \w+;\n\n", "", text)
            text = re.sub(rf"(?s) +function {name} ?\([^()]*\) return \w+ is\n.*?end function {name};\n\n", "", text)
    text = re.sub(r"(return \w+;)\n\n(?= +function)", r"\1\n", text)
    return "-- Conversions between types, for all entities: stdl makes '1' of a condition that is true.\n\n" + text
