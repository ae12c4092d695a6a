"""Data sets: digits (shipped), SVHN, MNIST, Fashion-MNIST, and .npz files, as arrays of images and labels.

Imports nothing of the network. Start with ``load.load``; ``download`` fetches files and checks their digests.
"""

from ..lazy import attributes

__getattr__ = attributes(__name__)
