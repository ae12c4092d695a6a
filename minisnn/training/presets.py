"""Good settings for each data set, of the network and of the training, and flags that override them."""

from collections.abc import Mapping
from typing import Any

from ..data.dataset import Dataset
from .settings import Settings, defaults

# The options of Network among the settings; all others belong to the training.
NETWORK = (
    "topology",
    "classes",
    "padding",
    "beta",
    "threshold",
    "reset",
    "readout",
    "surrogate",
    "detach_reset",
    "init",
)

# Values by data set; anything omitted has the default of Network or Settings. A custom .npz file starts from "file".
PRESETS: dict[str, dict[str, Any]] = {
    "digits": {
        "topology": "32C3-MP2-128-10",
        "padding": 1,
        "epochs": 60,
        "num_steps": 5,
        "lr": 4e-3,
        "augment": 1,
        "clip": 1.0,
    },
    "svhn": {
        "topology": "32C3-MP2-32C3-MP2-256-10",
        "epochs": 30,
        "num_steps": 8,
        "batch_size": 64,
        "lr": 4e-3,
        "augment": 2,
        "weight_decay": 0.05,
    },
    "mnist": {
        "topology": "32C5-MP2-32C5-MP2-128-10",
        "epochs": 8,
        "num_steps": 5,
        "batch_size": 64,
        "lr": 4e-3,
        "augment": 1,
    },
    "fashion-mnist": {
        "topology": "32C3-MP2-32C3-MP2-256-10",
        "epochs": 10,
        "num_steps": 5,
        "batch_size": 64,
        "lr": 4e-3,
        "augment": 1,
    },
    "moving-digits": {
        "topology": "12C3-MP2-24C3-8",
        "encoding": "events",
        "num_steps": 12,
        "epochs": 24,
        "lr": 1e-2,
        "clip": 1.0,
    },
    "n-mnist": {
        "topology": "16C5-MP2-32C5-MP2-128-10",
        "encoding": "events",
        "epochs": 5,
        "batch_size": 64,
        "lr": 4e-3,
    },
    "file": {"epochs": 20, "num_steps": 5},
}
PRESETS["svhn-grey"] = PRESETS["svhn"]


def choose(
    dataset: str, given: Mapping[str, Any], data: Dataset | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return options of ``Network`` and of ``Settings``: the given values over the preset of a data set (or file).

    None counts as not given; names that are neither option are ignored. `data`, once it is loaded, says whether it has
    recordings, and of how many steps.
    """
    chosen = PRESETS.get(str(dataset), PRESETS["file"]) | (defaults(data) if data else {})
    if given.get("topology") is not None:
        chosen.pop("padding", None)  # the preset's padding is for the preset's topology
    names = [*NETWORK, *Settings.__dataclass_fields__]
    chosen |= {name: given[name] for name in names if given.get(name) is not None}
    if given.get("loss") is None and chosen.get("readout") == "membrane":
        chosen["loss"] = "membrane"
    return divided(chosen)


def divided(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return options of ``Network`` and of ``Settings`` out of both, without any preset."""
    options = {name: given[name] for name in NETWORK if name in given}
    return options, {name: value for name, value in given.items() if name not in options}
