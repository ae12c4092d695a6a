"""The result of an evaluation, of a float network and of its integers alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Accuracy and firing rates over a set of images.

    A firing rate times neurons and steps is a layer's number of spikes for an image.

    Attributes
    ----------
    accuracy : float
        Share of right answers, over all steps.
    firing_rates : tuple of float
        Spikes per neuron and step of each layer, mean over the images.
    images, num_steps : int
    """

    accuracy: float
    firing_rates: tuple
    images: int
    num_steps: int
