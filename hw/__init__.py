"""The accelerator in MyHDL: one block a row, converted to VHDL and run in GHDL from the first day.

    memory          a RAM that maps to block RAM everywhere
    spike_scanner   the set bits of a frame of words, one a cycle

The blocks import MyHDL and one another alone, so that they can be lifted out.
"""
