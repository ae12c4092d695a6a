"""The accelerator's timing and energy, predicted from pixels and spikes alone.

Imports ``fixed`` and ``topology``. Start with ``cycles``, whose first lines hold the recurrence of the latency.
``layout`` is the accelerator's geometry; ``stimulus`` and ``additions`` are what the recurrence takes, and ``loops``
its compiled loops; ``layerwise`` is the schedule to compare with. ``balance`` chooses lanes, and ``energy`` multiplies
events by published energies.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
