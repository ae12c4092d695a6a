"""What an evaluation returns, of a float network and of its integers alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What :func:`evaluate` found. A rate, times neurons and steps, is a layer's number of spikes for an image.

    Attributes
    ----------
    accuracy : float
        Share of right answers over all steps.
    firing_rates : tuple of float
        Of each layer: spikes per neuron and step, mean over the images.
    images, num_steps : int

    Examples
    --------
    >>> result = Result(accuracy=0.75, firing_rates=(0.1, 0.5), images=4, num_steps=10)
    >>> [round(rate * neurons * result.num_steps) for rate, neurons in zip(result.firing_rates, (200, 10))]
    [200, 50]
    """

    accuracy: float
    firing_rates: tuple
    images: int
    num_steps: int
