"""Names in one entity: each signal, process and instance has its own, which is no keyword and differs in any case."""

import re
from typing import Any

from myhdl._ShadowSignal import _SliceSignal
from myhdl.conversion._VHDLNameValidation import _vhdl_keywords

VERILOG = """
always and assign begin buf bufif0 bufif1 case casex casez cell cmos config deassign default defparam design disable
edge else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask event for
force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout input instance
integer join large liblist library localparam macromodule medium module nand negedge nmos nor noshowcancelled not
notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_onevent
pulsestyle_ondetect rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled
signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1
triand trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor
"""
# SystemVerilog's own: tools that read the testbench read the design by the same rules.
SYSTEM_VERILOG = """
accept_on alias always_comb always_ff always_latch assert assume before bind bins binsof bit break byte chandle checker
class clocking const constraint context continue cover covergroup coverpoint cross dist do endchecker endclass
endclocking endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect export extends
extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies import inside int
interconnect interface intersect join_any join_none let local logic longint matches modport nettype new nexttime null
package packed priority program property protected pure rand randc randcase randsequence ref reject_on restrict return
s_always s_eventually s_nexttime s_until s_until_with sequence shortint shortreal soft solve static string strong struct
super sync_accept_on sync_reject_on tagged this throughout timeprecision timeunit type typedef union unique unique0
until until_with untyped var virtual void wait_order weak wildcard with within
"""
KEYWORDS = frozenset({*map(str.lower, _vhdl_keywords), *VERILOG.split(), *SYSTEM_VERILOG.split()})
# What MyHDL's package and the packages of IEEE define: a signal of such a name would hide it.
DEFINED = frozenset(
    """bool stdl tern_op resize signed unsigned std_logic std_logic_vector to_integer to_signed to_unsigned
shift_left shift_right rising_edge falling_edge integer natural positive boolean true false""".split()
)


class Names:
    """The names of an entity; signals are named in the order in which they are declared."""

    def __init__(self, taken: set[str]):
        self.taken = {name.lower() for name in taken} | KEYWORDS | DEFINED
        self.signals: dict[str, Any] = {}  # in the order of their declarations
        self.of: dict[int, str] = {}  # by the signal's id
        self.roots: dict[str, str] = {}  # for each name, the Python variable behind it

    def free(self, name: str, kind: str = "signal") -> str:
        """Take a name, or the first of ``name_2``, ``name_3`` ... that is not taken; `kind` is added to a keyword."""
        name = name.replace("self_", "")  # as MyHDL does
        name = re.sub("_+", "_", re.sub(r"\W", "_", name)).strip("_") or "x"
        if name.lower() in KEYWORDS | DEFINED:
            name += f"_{kind}"
        number, result = 1, name
        while result.lower() in self.taken:
            number += 1
            result = f"{name}_{number}"
        self.taken.add(result.lower())
        return result

    def port(self, name: str, signal: Any) -> None:
        """Give a signal the name of a port."""
        self._note(name, signal, name)

    def name(self, signal: Any, name: str, root: str = "") -> None:
        """Name a signal, or the signal that it is a part of, unless it has a name."""
        while isinstance(signal, _SliceSignal):
            signal = signal._sig
        if id(signal) not in self.of:
            self._note(self.free(name), signal, root or name)

    def _note(self, name, signal, root):
        self.signals[name], self.of[id(signal)], self.roots[name] = signal, name, root


def legal_port(name: str) -> str:
    """Return the name of a port that is no keyword."""
    return f"{name}_port" if name.lower() in KEYWORDS else name
