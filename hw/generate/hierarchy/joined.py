"""A concatenation as one assignment; MyHDL writes one for each part."""

from typing import Any

from myhdl._ShadowSignal import ConcatSignal, _SliceSignal
from myhdl._Signal import _Signal

from .instances import tidy_range


class Joined(ConcatSignal):
    """A concatenation that MyHDL's converters write as one assignment."""

    __slots__ = ()

    def toVHDL(self) -> str:
        """Return the assignment in VHDL."""
        return f"{self._name} <= {' & '.join(map(_vhdl, self._args))};"

    def toVerilog(self) -> str:
        """Return the assignment in Verilog."""
        return f"assign {self._name} = {{{', '.join(map(_verilog, self._args))}}};"


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
