"""One image, followed: every spike, membrane and addition with its clock cycle, and one weight's gradient by factors.

Imports ``timing``, ``fixed`` and the network. Start with ``trace.trace``; ``page`` shows a trace in a browser.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
