"""Docstrings of blocks, which become the headers of HDL files, and names of blocks, which become names in HDL."""

import ast
import re

import pytest

from tests.app.test_docs import documented
from tests.test_architecture import ROOT

VHDL = """
abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body buffer bus
case component configuration constant context cover default disconnect downto else elsif end entity exit fairness file
for force function generate generic group guarded if impure in inertial inout is label library linkage literal loop map
mod nand new next nor not null of on open or others out package parameter port postponed procedure process property
protected pure range record register reject release rem report restrict restrict_guarantee return rol ror select
sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected units until use
variable vmode vprop vunit wait when while with xnor xor
"""
SYSTEM_VERILOG = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge else
end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect export extends
extern final first_match for force foreach forever fork forkjoin function generate genvar global highz0 highz1 if iff
ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input inside instance int integer
interconnect interface intersect join join_any join_none large let liblist library local localparam logic longint
macromodule matches medium modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1
null or output package packed parameter pmos posedge primitive priority program property protected pull0 pull1 pulldown
pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg
reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until
s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify specparam static string
strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned
until until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire
with within wor xnor xor
"""
KEYWORDS = {*VHDL.split(), *SYSTEM_VERILOG.split()}
BLOCKS = {
    f"{path.stem}.{node.name}": node
    for path in sorted([*(ROOT / "hw").glob("*.py"), *(ROOT / "hw/parts").glob("*.py")])
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and "block" in {getattr(each, "id", "") for each in node.decorator_list}
}


@pytest.mark.parametrize("name", BLOCKS)
def test_docstring_is_a_header(name):
    """It says what the block does, what each parameter and port is, its latency and its throughput."""
    node, doc = BLOCKS[name], ast.get_docstring(BLOCKS[name]) or ""
    first = doc.split("\n\n")[0]
    assert len(first.split()) > 3 and first.endswith((".", "?")) or ": " in first, f"{name}: {first!r}"
    interface, _, promise = doc.partition("\nLatency")
    parameters, ports = (documented(interface, (section,)) for section in ("Parameters", "Ports"))
    assert not parameters & ports and parameters | ports == {argument.arg for argument in node.args.args}
    directions = re.findall(r"^\S.* : .*", interface[interface.index("Ports\n") :], re.MULTILINE)
    lacking = [
        line
        for line in directions
        if not re.search(r"\b(in|out|FrameWriter|FrameReader|GroupReader|SumReader|Review)\b", line)
    ]
    assert not lacking, f"{name}: {lacking} say no direction"  # members of these bundles go both ways
    assert "combinational" in promise or "hroughput" in promise, f"{name} promises {promise!r}"


@pytest.mark.parametrize("name", BLOCKS)
def test_no_name_is_a_keyword(name):
    """Blocks, ports, processes, signals and instances keep their names in VHDL and (System)Verilog."""
    node = BLOCKS[name]
    names = {argument.arg for argument in node.args.args}
    names |= {each.name for each in ast.walk(node) if isinstance(each, ast.FunctionDef)}
    names |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    assert not {each for each in names if each.lower() in KEYWORDS}
