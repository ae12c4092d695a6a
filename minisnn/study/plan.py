"""Plans: the settings that a study tries on a data set."""

from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from ..fixed.early_exit import LOSSLESS

FAMILIES = ("fast_sigmoid", "atan")
MARGINS = (1, 2, 3, 4, 6, 8, 12, LOSSLESS)  # of early exit, tried with every network whose answer counts spikes


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Settings that a study tries on one data set; :mod:`minisnn.study.protocol` says in words what is done with them.

    Attributes
    ----------
    dataset : str
    training : dict
        Arguments of ``Network`` and ``Settings`` shared by every point, ``validation`` among them; anything omitted
        comes from the data set's preset.
    trial_epochs, epochs : int
        Epochs of a trial, and of everything that is compared.
    scales, rates : tuple of float
        The trials of a family at a beta are all pairs of a scale and a learning rate.
    finalists : int
        Trials of each family and beta that are trained again with the other seeds.
    betas : tuple of float
        Leaks whose trials are at threshold 1.
    thresholds : tuple of float
        Thresholds tried with every beta at the default's scale and learning rate.
    cycle_penalties : tuple of float
        Weights of the price on cycles.
    learned : str
        Constants that each layer learns in one stage, such as "beta,threshold".
    ramp : float
        Share of a training over which the price rises to its full weight.
    steps : tuple of int
        Numbers of steps tried, all smaller than the default's.
    followed : int
        Fastest settings of one seed, for each bar, that are trained with the other seeds.
    seeds : tuple of int
        Seeds of everything that is compared; trials use the first.
    lanes : tuple of int
    tolerance : float
        Accuracy that a faster setting may lose against the default.
    cut, cut_with_steps : float
        Bars of the cycles saved: at the default's T, and with fewer steps or early exit.
    cut_against : float
        Bar of the cycles saved with fewer steps or early exit against the default of another study, on other inputs.
    departures : tuple of str
        Changes of the protocol after points had been computed, a sentence each.
    least : float or None
        Bar of the default's test accuracy, trained on all training images.
    beta : float
        The default's.
    """

    dataset: str
    training: dict[str, Any]
    trial_epochs: int
    epochs: int
    scales: tuple[float, ...]
    rates: tuple[float, ...]
    finalists: int
    betas: tuple[float, ...]
    thresholds: tuple[float, ...]
    cycle_penalties: tuple[float, ...]
    ramp: float
    learned: str
    steps: tuple[int, ...]
    followed: int
    seeds: tuple[int, ...]
    lanes: tuple[int, ...]
    tolerance: float = 0.01
    cut: float = 0.5
    cut_with_steps: float = 0.7
    cut_against: float = 0.8
    least: float | None = None
    beta: float = 0.25
    departures: tuple[str, ...] = ()


PLANS = {
    "digits": Plan(
        dataset="digits",
        training={"num_steps": 5, "validation": 0.2},
        trial_epochs=4,
        epochs=12,
        scales=(1, 4, 16),
        rates=(4e-3, 8e-3),
        finalists=2,
        betas=(0.25, 0.7),
        thresholds=(1.0, 1.5),
        cycle_penalties=(0.1, 0.3),
        ramp=0.5,
        learned="beta,threshold",
        steps=(2, 3),
        followed=1,
        seeds=(0, 1),
        lanes=(32, 8, 8),
    ),
    "svhn": Plan(
        dataset="svhn",
        training={"num_steps": 10, "validation": 0.15},
        trial_epochs=8,
        epochs=30,
        scales=(0.25, 1, 2, 4, 12, 48),
        rates=(5e-3, 1e-2),
        finalists=2,
        betas=(0.25, 0.5, 0.7, 0.9),
        thresholds=(0.5, 1.0, 1.5, 2.0),
        cycle_penalties=(0.1, 0.3, 1.0),
        ramp=0.5,
        learned="beta,threshold",
        steps=(3, 5, 7),
        followed=2,
        seeds=(0, 1, 2),
        lanes=(32, 32, 8, 8),
        least=0.895,
        departures=(
            "When half of the trials had been computed, and nothing that is compared, early exit and learned leaks and "
            "thresholds were added.",
            "When the settings chosen for each beta had been trained in full length, the default, which trials of 8 "
            "epochs had chosen (fast sigmoid 2), was seen to have 89.01 % of the test images right, below its bar. "
            "Since then the choice at its beta is among all scales in full length, still on validation images; the "
            "curves, which need the same trainings, come before the bases.",
            "When all scales had been trained, a last training was added, of the default and of what the bars are "
            "tested with: on all 8,001 training images, 1,200 of which had been held out before.",
        ),
    ),
}
PLANS["svhn-grey"] = replace(  # what can be cut if the input is changed too; surrogates and thresholds are svhn's part
    PLANS["svhn"],
    dataset="svhn-grey",
    scales=(1, 2, 4),
    betas=(0.25, 0.5),
    thresholds=(1.0,),
    least=None,
    departures=(),
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Settings of the network that the authors of the paper train, which is compared with ours, not tuned.

    Attributes
    ----------
    dataset : str
    training : dict
        Arguments of ``Network`` and ``Settings`` shared by every point, spelt out so that no preset of ours is part of
        them.
    scales : tuple of float
        Scales of both families.
    seeds : tuple of int
    tolerance : float
        Accuracy below the most accurate scale at which firing rates of the families are compared.
    """

    dataset: str
    training: dict[str, Any]
    scales: tuple[float, ...]
    seeds: tuple[int, ...]
    tolerance: float = 0.01


AUTHORS = {  # what is the same for every data set
    "classes": 10,
    "padding": 0,
    "beta": 0.25,
    "threshold": 1.0,
    "init": "pytorch",
    "loss": "mse_count:1:0",
    "num_steps": 18,
    "lr": 2e-3,
    "optimiser": "adam",
    "schedule": "cosine",
    "weight_decay": 0.0,
    "batch_size": 64,
}
VARIANTS = {
    "digits-authors": Variant(
        dataset="digits",
        training=AUTHORS | {"topology": "32C3MP2-128-50", "epochs": 12, "augment": 1, "validation": 0.2},
        scales=(1, 16),
        seeds=(0, 1),
    ),
    "svhn-authors": Variant(
        dataset="svhn",
        training=AUTHORS | {"topology": "32C3MP2-32C3MP2-256-450", "epochs": 30, "augment": 2, "validation": 0.15},
        scales=(1, 4, 16, 48),
        seeds=(0, 1, 2),
    ),
}


def plan_for(name: str) -> Plan | Variant:
    """Return the plan or the variant of this name; raise InputError if there is none."""
    known = PLANS | VARIANTS
    if name not in known:
        raise InputError(f"there is no study of {name!r}, only of {', '.join(known)}; minisnn sweep computes any grid")
    return known[name]
