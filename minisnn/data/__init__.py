"""Data sets: digits (shipped), SVHN, MNIST, Fashion-MNIST, and custom .npz files, as arrays of images and labels.

Imports nothing of the network. Start with ``load.load``: it takes a file from ``sources`` (a folder, or a ``download``
into the cache), reads it with ``formats``, and returns a ``dataset.Dataset``. Recordings of event cameras have a time
axis: ``events`` bins them, ``nmnist`` reads them, ``moving`` simulates them.
"""

from ..lazy import attach

__getattr__, __dir__ = attach(__name__)
