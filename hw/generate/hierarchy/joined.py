"""A concatenation as one assignment; MyHDL writes one for each part."""

from typing import Any

from myhdl._ShadowSignal import ConcatSignal, _SliceSignal
from myhdl._Signal import _Signal

from .instances import LEAST, tidy_range


class Joined(ConcatSignal):
    """A concatenation that MyHDL's converters write as one assignment."""

    __slots__ = ()

    def toVHDL(self) -> str:
        """Return the assignment in VHDL."""
        if array := _array(self._args, "()"):
            name, bits = array
            part = {0: "i", 1: "i downto i"}.get(bits, f"{bits}*i + {bits - 1} downto {bits}*i")
            label = f"join_{self._name}"
            return (
                f"{label}: for i in 0 to {len(self._args) - 1} generate\n"
                f"    {self._name}({part}) <= {name}(i);\nend generate {label};\n"
            )
        return f"{self._name} <= {' & '.join(map(_vhdl, self._args))};"

    def toVerilog(self) -> str:
        """Return the assignment in Verilog."""
        if array := _array(self._args, "[]"):
            name, bits = array
            index = f"i_{self._name}"
            part = f"{bits}*{index} + {bits - 1}:{bits}*{index}" if bits > 1 else index
            return (
                f"genvar {index};\ngenerate\n"
                f"for ({index} = 0; {index} < {len(self._args)}; {index} = {index} + 1) begin: join_{self._name}\n"
                f"    assign {self._name}[{part}] = {name}[{index}];\nend\nendgenerate\n"
            )
        return f"assign {self._name} = {{{', '.join(map(_verilog, self._args))}}};"


def _array(parts: Any, brackets: str) -> tuple[str, int] | None:
    """Return (name, width of an element, 0 for a bool) if the parts are all elements of one array, the last first."""
    left, right = brackets[0], brackets[1]
    first = parts[-1]
    if len(parts) < LEAST or not all(
        isinstance(part, _Signal) and not isinstance(part, _SliceSignal) for part in parts
    ):
        return None
    name = first._name.partition(left)[0]
    if [part._name for part in parts] != [f"{name}{left}{i}{right}" for i in reversed(range(len(parts)))]:
        return None
    if first._type is not bool and (first._min or 0) < 0:
        return None
    return name, 0 if first._type is bool else first._nrbits


def _bits(part: Any) -> str:
    """Return the bits of a constant part."""
    if isinstance(part, str):
        return part
    width = 1 if isinstance(part, bool) else len(part)
    return f"{int(part) & (1 << width) - 1:0{width}b}"


def _vhdl(part):
    if not isinstance(part, _Signal):
        return f'unsigned\'("{_bits(part)}")'
    whole = part._sig if isinstance(part, _SliceSignal) else part
    signed = whole._type is not bool and (whole._min or 0) < 0 and part._type is not bool
    return f"unsigned({tidy_range(part._name)})" if signed else tidy_range(part._name)


def _verilog(part):
    return tidy_range(part._name) if isinstance(part, _Signal) else f"{len(_bits(part))}'b{_bits(part)}"
