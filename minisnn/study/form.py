"""The form of a file's rows and notes, checked as they are read, so that an error elsewhere is ours and not the file's.

A form is a dict of forms, a list with the form of its items, or a function that says whether a value is right.
"""

from collections.abc import Callable
from typing import Any

from ..check import is_number, is_whole
from ..errors import InputError
from .plan import MARGINS
from .results import is_timed, shapes_of


def is_text(value: Any) -> bool:
    """Return True for text."""
    return isinstance(value, str)


def _or_none(form: Any) -> Callable:
    return lambda value: value is None or not fault(value, form)


def _is_by_layer(value):
    """Return True for a number, or one for each layer."""
    return is_number(value) or (not fault(value, [is_number]) and len(value) > 0)


def _are_counts(value):
    return isinstance(value, dict) and all(map(is_number, value.values()))


POINT = {  # of every row
    "data": {"name": is_text},
    "network": {
        "topology": is_text,
        "surrogate": is_text,
        "beta": _is_by_layer,
        "threshold": _is_by_layer,
        "reset": is_text,
    },
    "training": {
        **dict.fromkeys(("num_steps", "epochs", "seed"), is_whole),
        **dict.fromkeys(("encoding", "loss"), is_text),
        **dict.fromkeys(("lr", "validation"), is_number),
        "rate_penalty": _or_none(is_text),
    },
    "integers": {},
    "hardware": {"taps": _or_none([is_whole])},  # a file of before says "wide"
}
DONE = {  # of a row with results, besides
    "point": {
        "data": {"digest": is_text},
        "network": {"input_shape": [is_whole], "padding": [is_whole], "classes": is_whole},
    },
    "result": {
        "lanes": [is_whole],
        "validation": _or_none({"accuracy": is_number, "latency": is_number}),
        "test": {
            **dict.fromkeys(("accuracy", "latency", "interval"), is_number),
            "images": is_whole,
            "firing_rates": [is_number],
            "firing_cycles": [is_whole],
            "timeline": dict.fromkeys(("begins", "added", "fires", "ends"), [[is_number]]),
            "events": {"pipelined": _are_counts},
        },
    },
}
UNTIMED = {  # of a network that the accelerator does not compute, in place of these results
    "validation": _or_none({"accuracy": is_number}),
    "test": {
        **dict.fromkeys(("accuracy", "accuracy_float"), is_number),
        "images": is_whole,
        **dict.fromkeys(("firing_rates", "firing_rates_float"), [is_number]),
        "blocks": {"images": [is_whole], "right": [[is_whole]], "spikes": [is_whole], "neuron_steps": is_whole},
    },
}
SCHEDULE = {"latency": is_number, "interval": is_number}
MORE = {
    "accuracy_by_step": [is_number],
    "latency_by_step": [is_number],
    "accuracy_by_margin": [is_number],
    "latency_by_margin": [is_number],
    "events_by_margin": [_are_counts],
    "blocks": {
        "images": [is_whole],
        "right": [[is_whole]],
        "cycles": [[is_whole]],
        "spikes": [is_whole],
        "neuron_steps": is_whole,
    },
}
BY_MARGIN = dict.fromkeys(("right_by_margin", "cycles_by_margin"), [[is_whole]])  # of blocks
MEANS = {"accuracy": is_number}
PITFALLS = [{"pitfall": is_text, "setting": is_text, "seeds": is_whole, "honest": MEANS, "wrong": MEANS}]


def fault(value: Any, form: Any, name: str = "") -> str:
    """Return the name of the first field that lacks the form, such as "test.latency"; "" if none does."""
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return name or "a field"
        names = {key: f"{name}.{key}".lstrip(".") for key in form}
        faults = (fault(value[key], form[key], names[key]) if key in value else names[key] for key in form)
    elif isinstance(form, list):
        if not isinstance(value, list):
            return name or "a field"
        faults = (fault(item, form[0], name) for item in value)
    else:
        return "" if form(value) else name or "a field"
    return next(filter(None, faults), "")


def fault_of_row(row: dict) -> str:
    """Return the first field of a row that is missing or wrong, as :func:`fault` does; failed rows have no results."""
    wrong = fault(row["point"], POINT, "point")
    if wrong or row["status"] == "failed":
        return wrong
    wrong = fault(row["point"], DONE["point"], "point")
    if wrong:
        return wrong
    try:
        shapes, timed = shapes_of(row["point"]), is_timed(row["point"])
    except InputError as error:
        return f"point.network ({error})"
    if timed:
        return fault(row, DONE) or _fault_of_more(row["result"]["test"]) or _fault_of_lengths(row, len(shapes))
    return fault(row["result"], UNTIMED, "result") or _fault_of_untimed(row["result"]["test"], len(shapes))


def _fault_of_more(test):
    """Return a fault in results that not every version has written."""
    form = {name: SCHEDULE for name in ("dense", "layerwise") if name in test}
    events = {name: _are_counts for name in form}
    more = {name: form for name, form in MORE.items() if name in test}
    wrong = fault(test, form | {"events": events} | more, "result.test")
    if wrong or not {"accuracy_by_margin", "blocks"} <= test.keys():
        return wrong
    return fault(test["blocks"], BY_MARGIN, "result.test.blocks")


def _fault_of_untimed(test, layers):
    """Return a list whose length does not fit the network, or the images; of results without cycles."""
    wrong = [name for name in ("firing_rates", "firing_rates_float") if len(test[name]) != layers]
    wrong += [] if _are_blocks(test["blocks"], test["images"]) else ["blocks"]
    return f"result.test.{wrong[0]}" if wrong else ""


def _fault_of_lengths(row, layers):
    """Return a list whose length does not fit the network, or the images."""
    test = row["result"]["test"]
    timeline = test["timeline"]
    lists = {"lanes": row["result"]["lanes"], "firing_rates": test["firing_rates"], "firing": test["firing_cycles"]}
    wrong = [name for name, values in (lists | timeline).items() if len(values) != layers]
    steps = row["point"]["training"]["num_steps"]
    wrong += [name for name, table in timeline.items() if any(len(times) != steps for times in table)]
    wrong += ["blocks"] if "blocks" in test and not _are_blocks(test["blocks"], test["images"]) else []
    return f"result.test.{wrong[0]}" if wrong else ""


def _are_blocks(blocks, images):
    """Return True if the blocks are of so many images, and have as many rows of each number."""
    lengths = {len(values) for name, values in blocks.items() if name != "neuron_steps"}
    steps = {len(values) for name in ("right", "cycles") if name in blocks for values in blocks[name]}
    usable = len(lengths) == len(steps) == 1 and 0 not in steps and min(blocks["images"]) > 0
    margins = {len(blocks[name][0]) for name in ("right_by_margin", "cycles_by_margin") if name in blocks}
    return usable and margins <= {len(MARGINS)} and blocks["neuron_steps"] > 0 and sum(blocks["images"]) == images


def alike(value: Any, example: Any) -> bool:
    """Return True if a value of a plan has the type of another plan's, tuples in their items."""
    if value is None or example is None:
        return value is None or is_number(value)
    if isinstance(example, tuple):
        return isinstance(value, tuple) and all(alike(item, example[0]) for item in value)
    return is_number(value) if is_number(example) else isinstance(value, type(example))
