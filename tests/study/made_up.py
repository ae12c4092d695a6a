"""A study whose points have made-up results, so that tests of reports train nothing."""

import copy
from dataclasses import asdict

import numpy as np

import minisnn
from minisnn.study import point, protocol
from minisnn.study import stages as study
from minisnn.study.plan import MARGINS
from minisnn.study.selection import Rows, setting
from minisnn.study.store import Store, canonical
from minisnn.timing import energy
from tests.study.plans import small_plan

PLAN = small_plan(
    "digits",
    training={"num_steps": 4, "validation": 0.2},
    cycle_penalties=(0.1, 0.3),
    epochs=5,
    lanes=(32, 8, 8),
    tolerance=0.02,
    least=0.85,
)
IMAGES, BLOCKS = 400, 10
STEPS = (0.6, 0.9, 0.99, 1.0)  # of the accuracy after each step
EXITS = {1: (0.9, 0.3), 2: (1.0, 0.7)}  # of accuracy and latency, of early exit by margin; others end no image early


def template():
    """Return a point that others are copied from."""
    return study.point(PLAN, minisnn.load_data("digits"), setting(PLAN), PLAN.epochs, 0)


def made(like, chosen, epochs, seed):
    """Return a point with another setting."""
    new = copy.deepcopy(like)
    for name, value in (chosen | {"epochs": epochs, "seed": seed}).items():
        new["network" if name in new["network"] else "training"][name] = value
    for name in ("cycle_penalty", "learn"):
        if chosen[name] is None:
            del new["training"][name]
    return new


def numbers_of(chosen, epochs, seed):
    """Return accuracy, latency and firing rate of a setting: a price saves cycles, scale 4 is best."""
    accuracy = 0.90 if chosen["surrogate"].endswith(":4") else 0.86
    accuracy += 0.004 * (chosen["lr"] > 5e-3) + 0.002 * seed - 0.02 * (epochs == PLAN.trial_epochs)
    latency, rate = 1000.0, 0.10 if chosen["surrogate"].startswith("fast") else 0.12
    latency *= {None: 1.0, 0.1: 0.6, 0.3: 0.3}[chosen["cycle_penalty"]]
    accuracy -= {None: 0.0, 0.1: 0.001, 0.3: 0.1}[chosen["cycle_penalty"]]
    latency *= 0.4 if chosen["num_steps"] < 4 else 1
    latency *= 0.98 if chosen["learn"] else 1
    latency += 10 * chosen["beta"] + 20 * chosen["threshold"]
    return accuracy, latency, rate


def result(accuracy, latency, rate, num_steps=4):
    """Return what `measure` would return for three layers; each block of images is like the others."""
    shares = STEPS[-num_steps:]
    by_step = [accuracy * share for share in shares]
    cycles = [latency * (step + 1) / num_steps for step in range(num_steps)]
    exits = [EXITS.get(margin, (1.0, 1.0)) for margin in MARGINS]
    part = {
        "accuracy": accuracy,
        "accuracy_float": accuracy,
        "images": IMAGES,
        "firing_rates": [rate] * 3,
        "latency": latency,
        "interval": latency / 2,
        "accuracy_by_step": by_step,
        "latency_by_step": cycles,
        "accuracy_by_margin": [accuracy * right for right, _ in exits],
        "latency_by_margin": [latency * spent for _, spent in exits],
    }
    each = IMAGES // BLOCKS
    sway = np.arange(BLOCKS) % 2  # one image more is right in every second block
    blocks = {
        "images": [each] * BLOCKS,
        "right": [[round(each * share) + int(more) - 1 for share in by_step] for more in sway],
        "cycles": [[round(each * value) for value in cycles]] * BLOCKS,
        "right_by_margin": [[round(each * accuracy * right) + int(more) - 1 for right, _ in exits] for more in sway],
        "cycles_by_margin": [[round(each * latency * spent) for _, spent in exits]] * BLOCKS,
        "spikes": [round(each * 1000 * rate)] * BLOCKS,
        "neuron_steps": 1000,
    }
    begins = np.linspace(10, latency, 3 * num_steps, endpoint=False).reshape(3, num_steps)
    timeline = {"begins": begins, "added": begins + 8, "fires": begins + 9, "ends": begins + 10}
    events = dict.fromkeys(energy.CONSTANTS, latency * 1e3) | {"cycles": latency / 2}
    del events["static"]
    test = part | {
        "blocks": blocks,
        "dense": {"latency": 2 * latency, "interval": latency * 2},
        "layerwise": {"latency": 2 * latency, "interval": latency},
        "events_by_margin": [{key: value * spent for key, value in events.items()} for _, spent in exits],
        "firing_cycles": [4, 2, 1],
        "timeline": {name: times.tolist() for name, times in timeline.items()},
        "events": {
            name: {key: value * factor for key, value in events.items()}
            for name, factor in (("pipelined", 1), ("dense", 4), ("layerwise", 2))
        },
    }
    return {"validation": part, "test": test, "lanes": [32, 8, 8], "lost": [], "history": []}


def result_of(of, numbers):
    """Return what `measure` would return for a point; without validation images where it holds none out."""
    found = result(*numbers, of["training"]["num_steps"])
    return found if of["training"]["validation"] else found | {"validation": None}


def rows_of(like, numbers=numbers_of, stages=tuple(study.STAGES)):
    """Return the rows of these stages as a file has them, each (point, numbers)."""
    rows = {}
    for name in stages:
        known = [
            {"point": of, "status": "done", "result": result_of(of, found), "training": key}
            for key, (of, found) in rows.items()
        ]
        for wanted in study.wanted(name, Rows(PLAN, known)):
            new = made(like, *wanted)
            rows[canonical(new)] = new, numbers(*wanted)
    return [rows[key] for key in sorted(rows)]


def store_of(path, rows, plan=PLAN, failed=()):
    """Write a file with these rows; return its path."""
    with Store(path) as store:
        if plan:
            store.note("plan", asdict(plan))
            store.note("protocol", protocol.text(plan))
        for of, numbers in rows:
            row = (point.key(of), of, "done", "", result_of(of, numbers), 1.0)
            store.save(point.training_key(of), None, [row])
        for of, reason in failed:
            store.save(point.training_key(of), None, [(point.key(of), of, "failed", reason, None, 1.0)])
    return path
