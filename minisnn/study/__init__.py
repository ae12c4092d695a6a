"""The study of Aliyev & Adegbija (DATE 2024): grids of settings, trained, quantised and timed, and a report on them.

It imports ``training``, ``data``, ``timing``, ``fixed`` and the network; only ``commands`` imports it. Start with
``plan`` (the settings tried) and ``stages`` (the points that follow from them); ``sweep`` computes any list of points
into a ``store``, with ``executors``: ``workers`` on this machine or ``nodes`` of a cluster, which must have its
``needs``; ``selection`` makes all choices; ``progress`` says whether the points that claims need are there; ``report``
gathers what ``page`` shows. ``authors`` computes the network of the authors' code, with nothing to choose.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
