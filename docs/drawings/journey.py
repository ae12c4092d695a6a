"""From a script to an FPGA: what each command makes, and what proves it equal to the one before."""

from .style import Drawing


def draw():
    d = Drawing(
        "From a script to an FPGA",
        "Four boxes in a row: floats, integers, gates, and FPGA. minisnn train makes model.npz; its gradients are"
        " proven against finite differences and torch. minisnn quantize makes model.int.npz; the loss is measured."
        " minisnn cosim and minisnn vhdl make the VHDL; no spike, membrane or cycle differs. Synthesis makes the"
        " bitstream for the FPGA.",
        620,
        330,
    )
    xs = (84, 234, 384, 536)
    names = (("floats", "model.npz"), ("integers", "model.int.npz"), ("gates", "accelerator/"), ("FPGA", "bitstream"))
    kinds = ("logic", "memory", "stream", "plain")
    commands = ("minisnn\ntrain", "minisnn\nquantize", "minisnn\ncosim, vhdl", "synthesis,\nplace, route")
    proofs = (
        "gradient by hand =\nfinite differences,\ntorch",
        "accuracy lost:\nmeasured and\nprinted",
        "0 spikes,\n0 membranes,\n0 cycles differ",
        "area and clock,\nby Yosys and\nnextpnr",
    )
    for x, (name, file), kind, command, proof in zip(xs, names, kinds, commands, proofs):
        d.text(x, 36, command, 15, "ink", bold=True)
        d.arrow((x, 62), (x, 104))
        d.box(x, 146, 122, 76, f"{name}", kind, 18, bold=True)
        d.text(x, 200, file, 14, "quiet")
        d.text(x, 268, proof, 14, "stream-edge")
    for a, b in zip(xs, xs[1:]):
        d.arrow((a + 61, 146), (b - 63, 146))
    d.line((22, 226), (598, 226), color="faint")
    d.text(310, 316, "the proof of each step", 14, "quiet", italic=True)
    return d
