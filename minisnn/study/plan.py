"""Plans: the settings that a study tries on a data set."""

from dataclasses import dataclass
from typing import Any

from ..errors import InputError

PAPER_LOSS = 0.0288  # accuracy that the paper gives up for a latency lower by 48 %


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Settings that a study tries on one data set, and the defaults that it compares with.

    Attributes
    ----------
    dataset : str
    training : dict
        Arguments of ``Network`` and ``Settings`` shared by every point; anything omitted comes from the data set's
        preset.
    screening, epochs : int
        Epochs of a point in stages 1 to 4, and in stage 5.
    scales : tuple of float
        Scales tried with both surrogates.
    betas, thresholds : tuple of float
        Axes of the grid of stage 2.
    penalties : tuple of str
        Rate penalties tried in stage 3: a weight per layer, such as "0.3,0,0".
    ramp : float
        Share of a training over which a rate penalty rises to its full weight.
    narrower : tuple of float
        Stage 3 also multiplies the best surrogate's scale by these, which makes the surrogate narrower.
    steps : tuple of int
        Numbers of steps tried in stage 4, all smaller than the default.
    seeds : tuple of int
        Seeds of stage 5; the screening uses the first.
    lanes : tuple of int
    margins : tuple of float
        For each margin, stages 4 and 5 follow up the fastest screened point that loses at most this much accuracy
        against the default (a negative margin asks for a gain). Longer training helps the default more than it helps
        points with a rate penalty or few steps, so the screening asks more of them than the tolerance does in the end.
    tolerance : float
        Accuracy that a faster setting may lose against the default in stage 5.
    beta, threshold : float
        The default's.
    fast_sigmoid, atan : float
        snnTorch's default scales.
    """

    dataset: str
    training: dict[str, Any]
    screening: int
    epochs: int
    scales: tuple[float, ...]
    betas: tuple[float, ...]
    thresholds: tuple[float, ...]
    penalties: tuple[str, ...]
    ramp: float
    narrower: tuple[float, ...]
    steps: tuple[int, ...]
    seeds: tuple[int, ...]
    lanes: tuple[int, ...]
    margins: tuple[float, ...]
    tolerance: float = 0.01
    beta: float = 0.25
    threshold: float = 1.0
    fast_sigmoid: float = 25.0
    atan: float = 2.0


PLANS = {
    "digits": Plan(
        dataset="digits",
        training={"num_steps": 5, "validation": 0.2},
        screening=6,
        epochs=12,
        scales=(1, 4, 16),
        betas=(0.25, 0.7),
        thresholds=(0.5, 1.0, 1.5),
        penalties=("0.3,0,0", "1,0,0"),
        ramp=0.7,
        narrower=(2,),
        steps=(2, 3),
        seeds=(0, 1),
        lanes=(32, 8, 8),
        margins=(0.0, 0.02),
    ),
    "svhn": Plan(
        dataset="svhn",
        training={"num_steps": 10, "validation": 0.15},
        screening=8,
        epochs=24,
        scales=(0.5, 1, 2, 4, 8, 16, 32),
        betas=(0.25, 0.5, 0.7, 0.9),
        thresholds=(0.5, 1.0, 1.5, 2.0),
        penalties=("0.1,0,0,0", "0.3,0,0,0", "0.9,0.1,0,0", "0.9,0.5,0,0"),
        ramp=0.7,
        narrower=(2, 4),
        steps=(2, 3, 4, 6),
        seeds=(0, 1, 2),
        lanes=(32, 32, 8, 8),
        margins=(-0.03, -0.015, 0.0, 0.02),
    ),
}


def plan_for(dataset: str) -> Plan:
    """Return the plan for a data set; raise InputError if there is none."""
    if dataset not in PLANS:
        raise InputError(
            f"there is no study of {dataset!r}, only of {', '.join(PLANS)}; minisnn sweep computes any grid"
        )
    return PLANS[dataset]
