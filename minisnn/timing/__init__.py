"""The accelerator's timing and energy, predicted from pixels and spikes alone.

Imports ``fixed`` and ``topology``. Start with ``cycles``, whose first lines hold the latency recurrence; ``loops`` are
its compiled loops, ``energy`` multiplies events by published energies.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
