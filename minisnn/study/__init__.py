"""The study of Aliyev & Adegbija (DATE 2024): grids of settings, trained, quantised and timed, and the report on them.

Imports ``training``, ``data``, ``timing``, ``fixed`` and the network, and is imported by ``commands`` alone. Start with
``stages``; ``sweep`` computes any grid of ``point`` into a ``store``; ``report`` gathers what ``page`` shows.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
