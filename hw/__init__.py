"""The accelerator in MyHDL: one block a row, converted to VHDL and run in GHDL from the first day.

    memory          a RAM that maps to block RAM everywhere
    spike_buffer    the spikes between two layers, in two banks
    spike_scanner   the set bits of a frame of words, one a cycle
    conv2d, linear  the additions that a spike causes, as addresses
    stages, times   what these two share
    lif             a lane: membranes, adder, firing pipeline
    firing_pass     the order in which neurons fire, pooling window by window
    maxpool         the OR of a window
    layer           all of these: a layer that takes spikes
    spec            the numbers that a layer is built from
    accelerator     from a network in integers to these numbers and to the words of the memories
    simulate        one bench for all: a block in MyHDL, and the same cycles as VHDL in GHDL

There is no block for a layer of pixels, no top level and no loader yet.

The blocks import MyHDL and one another alone, so that they can be lifted out.
"""
