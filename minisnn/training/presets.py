"""What a newcomer needs for each data set: topology, epochs and so on; and how flags override it."""

from .settings import Settings

# The options of Network that are flags here; all other settings of PRESETS are of the training.
NETWORK = ("topology", "classes", "padding", "beta", "threshold", "reset", "readout", "surrogate", "detach_reset")

# What a newcomer needs for each data set, of the network and of the training, as values (not text); a .npz
# file of one's own starts from "file". What is not said here has the default of Network or Settings.
PRESETS = {
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
    "file": {"epochs": 20, "num_steps": 5},
}


def choose(dataset, given):
    """Options of ``Network`` and of ``Settings``: what is given, else the
    preset of the data set.

    Parameters
    ----------
    dataset : str
        A name, or the path of a file.
    given : dict
        Values by name; None, and what is neither option, does not count.

    Returns
    -------
    options, settings : dict

    Examples
    --------
    >>> options, settings = choose("digits", {"beta": 0.9, "epochs": None})
    >>> options["beta"], settings["epochs"]
    (0.9, 60)
    """
    chosen = dict(PRESETS.get(str(dataset), PRESETS["file"]))
    if given.get("topology") is not None:
        chosen.pop("padding", None)  # it belongs to the preset's topology
    names = [*NETWORK, *Settings.__dataclass_fields__]
    chosen |= {name: given[name] for name in names if given.get(name) is not None}
    if given.get("loss") is None and chosen.get("readout") == "membrane":
        chosen["loss"] = "membrane"
    options = {name: chosen.pop(name) for name in NETWORK if name in chosen}
    return options, chosen
