"""The accelerator in MyHDL: one block a concept, converted to VHDL and run in GHDL from the first day.

    memory          a RAM that maps to block RAM everywhere
    stream_in       the input stream, into the first buffer
    spike_buffer    frames between two layers, in two banks
    spike_scanner   what is not 0 in a frame of words, one a cycle
    conv2d, linear  the additions that a spike causes, as addresses
    stages, times, look_up, register   what these and others share
    accumulate      a memory of sums, and the adder beside it
    sum_control     what that adder must know of the additions under way
    lif             the neuron's firing: threshold, leak, reset
    lanes           neurons side by side that take spikes; made of the three before
    pixel_lanes     the same for pixels: with multipliers, and a current that is kept
    wide_conv2d     the additions that an input causes in all its taps at once, a bank of sums for each
    wide_lanes      as many adders a lane; `rotate` turns each tap's weight to its bank
    firing_pass     the order in which neurons fire, pooling window by window
    maxpool         the OR of a window
    layer           all of these
    scores          the answer: sums by class, arg-max, cycles
    loader          weights, biases, thresholds and steps, from the load stream
    spec            the numbers that a layer, and the whole, is built from
    accelerator     the whole
    specify         from a network in integers to those numbers
    words           the same network, and frames, as words of the streams
    simulate        one bench for all: a block in MyHDL, and the same cycles as VHDL in GHDL
    cosimulate      the whole beside the integers and the model of cycles
    cosimulate_hdl  the same as VHDL or Verilog, for whole test sets; `host` builds and runs it, in a bench of its own
    tools           GHDL and others: found, called, quoted when they fail
    convert         a block, with all in it, to VHDL or Verilog
    deliver         the folder of ``minisnn vhdl``: `benches` writes its testbenches, `manual` its README, of
                    `manual_tables` and of diagrams in `waves`
    synthesize      look-up tables, memories and the clock, by Yosys and nextpnr, for one of the `families` of FPGAs;
                    `resources` tells what was found
    equivalence     Yosys proves two netlists equal

The blocks import MyHDL and one another alone, so that they can be lifted out.
"""
