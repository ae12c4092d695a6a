"""One image, followed: every spike, membrane and addition with its clock cycle, and one weight's gradient by factors.

Start with ``trace``, which runs an image and keeps its ``record``. Then ``why`` explains a membrane, ``doing`` the work
of each layer in a cycle, and ``factors`` a gradient. ``page`` builds one HTML file from ``tables``, ``sums`` and
``pack``; its scripts are in ``web/``. Imports ``timing``, ``fixed`` and the network.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
