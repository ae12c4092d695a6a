"""The accelerator in a system: behind AXI4-Stream and AXI4-Lite, and on boards behind a serial line.

This room imports all others of the hardware. ``axi_accelerator`` is the wrapper for a system's buses.
"""

from minisnn.lazy import attributes

__getattr__ = attributes(__name__)
