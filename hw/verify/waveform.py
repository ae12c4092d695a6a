"""Waveforms of one image for GTKWave or Surfer: VCD from MyHDL or Verilator, FST from GHDL; memories are left out.

Times are in nanoseconds; a clock cycle takes 10. In a VCD the image's first word is taken in the cycle at time 0; an
FST begins with the load. A save file for GTKWave beside the waveform shows the streams and the main signals of each
layer. The waveform has all other signals, too, in the same blocks and with the same names whichever simulator wrote it.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from myhdl import traceSignals

from minisnn.fixed.network import IntegerNetwork

from .. import accelerator as top
from ..accelerator import design
from ..generate.convert import converted
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.hierarchy.traced import name_as_in_hdl, signals_in, trace
from ..generate.specify import specify
from ..generate.tools import call
from ..generate.words import image_words, load_words
from ..ports import bit
from . import simulate
from .comparison import Compared, compare, expected_firings
from .cosimulate import reference, silence_limit
from .cosimulate_hdl import Case
from .hdl_host import write_words
from .host import Host
from .wave_files import cut, declarations, save_file

PERIOD = 10  # ns


def in_myhdl(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    path: str | Path,
    taps: Sequence[int] | None = None,
    window: tuple[int, int] | None = None,
    margin: float | None = None,
) -> Compared:
    """Run one image in MyHDL, write the waveform of every signal, and compare the image with the integers.

    Parameters
    ----------
    network, num_steps, lanes, taps, margin
        As for :func:`minisnn_hw.verify.cosimulate.cosimulate`.
    inputs : ndarray of unsigned integers, shape (1 or T, 1, ...)
    path : str or Path
        The ``.vcd`` file; the save file, ``.gtkw``, is written beside it.
    window : (int, int), optional
        First and last clock cycle to keep; cycle 0 takes the image's first word. All cycles by default.

    Raises
    ------
    TimeoutError
        If the design gives no answer.
    """
    spec, path = _delivered(network, lanes, num_steps, taps), Path(path)
    run, predicted = reference(network, inputs, num_steps, lanes, 1, taps, margin=margin)
    firings = expected_firings(run, 0, spec, predicted.firing_starts[0], predicted.decided[0])
    linger = int(predicted.over[0] - predicted.latency[0] + 1)
    host = Host(
        spec, load_words(network, spec, num_steps, margin), [image_words(inputs, 0, spec)], firings, linger=linger
    )
    limit = len(host.load) + silence_limit(network, inputs, num_steps, lanes, 1, taps)
    with TemporaryDirectory() as folder:
        _simulate_traced(spec, host, limit, folder)
        observed = host.end()
        start = observed.taken[0]
        first, last = window or (0, int(predicted.latency[0]))
        # simulate.run ends cycle c with the rising edge at PERIOD * c + PERIOD / 2.
        names = cut(Path(folder) / "all.vcd", path, PERIOD * start, PERIOD * first, PERIOD * (last + 1))
    path.with_suffix(".gtkw").write_text(save_file(path.name, names), encoding="utf-8", newline="\n")
    return compare(observed, run, predicted, 0, spec)


def _delivered(network, lanes, num_steps, taps):
    """Return the spec that `minisnn vhdl` delivers, so that every port has the width that it has in the HDL."""
    return specify(network, lanes, max_steps=max(num_steps, 255), taps=taps)


def _simulate_traced(spec, host, limit, folder):
    """Simulate in MyHDL and write all.vcd, then restore the settings of traceSignals, which are global.

    Signals are traced from the end of the load, which takes longer than most images.
    """
    make = design(spec)
    inputs, outputs = top.ports(spec)
    names = converted(unelaborated(make, clk=bit(), **inputs, **outputs), "accelerator").top
    quiet: list[Any] = []

    def traced(**signals):
        block = make(**signals)
        name_as_in_hdl(block, names)
        traceSignals(block)
        quiet.extend(signals_in(block))
        trace(quiet, False)
        return block

    def drive(cycle, seen):
        if quiet and host.loaded == len(host.load):
            trace(quiet, True)
            quiet.clear()
        return host(cycle, seen)

    before = {name: getattr(traceSignals, name) for name in ("name", "directory", "filename", "tracelists")}
    traceSignals.name, traceSignals.directory, traceSignals.filename = "accelerator", folder, "all"
    traceSignals.tracelists = False  # memories
    try:
        simulate.run(traced, *top.ports(spec), drive, limit, keep=False)
    finally:
        for name, value in before.items():
            setattr(traceSignals, name, value)


def in_verilator(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    path: str | Path,
    taps: Sequence[int] | None = None,
    window: tuple[int, int] | None = None,
    margin: float | None = None,
) -> Compared:
    """Run one image as Verilog in Verilator, write the waveform, and compare the image with the integers.

    Parameters
    ----------
    network, inputs, num_steps, lanes, path, taps, window, margin
        As for :func:`in_myhdl`.

    Raises
    ------
    ToolError
        If Verilator is missing or fails.
    """
    path = Path(path).resolve()
    case = Case(network, inputs, num_steps, lanes, 1, taps, margin, _delivered(network, lanes, num_steps, taps))
    with TemporaryDirectory() as name:
        folder = Path(name)
        compared = _run(case, case.build("verilator", folder, traced=True), folder / "image")
        first, last = window or (0, compared.cycles_predicted)
        names = cut(folder / "image/all.vcd", path, 0, PERIOD * first, PERIOD * (last + 1))
    path.with_suffix(".gtkw").write_text(save_file(path.name, names), encoding="utf-8", newline="\n")
    return compared


def _run(case, command, folder):
    """Run the image of a case, and compare it."""
    simulation = case.simulation(command, folder, [0])
    try:
        records = simulation.images()
        (compared,) = case.compared(records, [0])
        next(records, None)  # raises ToolError if the simulation failed at its end
    finally:
        simulation.kill()
    return compared


def in_ghdl(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    path: str | Path,
    taps: Sequence[int] | None = None,
    margin: float | None = None,
    timeout: float = 3600,
) -> Compared:
    """Run one image as VHDL in GHDL, write the waveform, and compare the image with the integers.

    Parameters
    ----------
    network, inputs, num_steps, lanes, taps, margin
        As for :func:`in_myhdl`.
    path : str or Path
        The ``.fst`` file; the save file, ``.gtkw``, is written beside it.
    timeout : float
        Seconds to list the signals.

    Raises
    ------
    ToolError
        If GHDL is missing or fails.
    """
    path = Path(path).resolve()
    case = Case(network, inputs, num_steps, lanes, 1, taps, margin, _delivered(network, lanes, num_steps, taps))
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = case.build("ghdl", folder)
        options = folder / "wanted.opt"  # of --fst: a line for each signal
        options.write_text(
            _all_signals_except_memories(command, folder, case.spec, timeout), encoding="utf-8", newline="\n"
        )
        traced = [*command, f"--read-wave-opt={options}", f"--fst={path}"]
        compared = _run(case, traced, folder / "image")
        widths = _widths(folder / "listing/all.vcd")
        names = [
            line[1:].replace("/", ".")
            for line in options.read_text(encoding="utf-8").splitlines()
            if line.startswith("/")
        ]
    sized = [(name, widths.get(name, 1)) for name in names if ".under_test." in name]
    path.with_suffix(".gtkw").write_text(save_file(path.name, sized), encoding="utf-8", newline="\n")
    return compared


def _all_signals_except_memories(command, folder, spec, timeout):
    """Return the options of a waveform with all signals except memories."""
    listing = folder / "listing"
    listing.mkdir()
    write_words(listing / "images.txt", [0], spec.input_bits)
    for options in (["--fst=none.fst", "--write-wave-opt=all.opt"], ["--vcd=all.vcd"]):
        call([*command, "--stop-time=1ns", *options], listing, timeout, may_warn=True)
    lines = (listing / "all.opt").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.endswith("/words")) + "\n"


def _widths(vcd):
    """Return the width of each signal in a VCD file of GHDL, by its full name; states are not in it."""
    with open(vcd) as lines, open(os.devnull, "w") as nothing:
        return {name.partition("[")[0]: width for name, width in declarations(lines, nothing)}
