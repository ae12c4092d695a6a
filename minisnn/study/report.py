"""The report of a study as plain numbers, without its figures and its page."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..check import is_whole
from ..errors import InputError
from ..model import versions
from . import authors, sections, sections_of_sweep
from .form import PITFALLS, alike, fault, is_text
from .plan import PLANS, VARIANTS, Plan, Variant
from .progress import progress
from .store import Store, is_sqlite
from .tables import describe, flat

NEEDED = (("test", "blocks"), ("validation", "accuracy_by_step"))  # results that a study needs
SVHN_OFFICIAL = 26_032  # test images


def gather(
    path: str | Path,
    clock_mhz: float = 100.0,
    constants: dict[str, float] | None = None,
    against: str | Path | None = None,
) -> dict[str, Any]:
    """Return everything that a report says about a file of results, finished or not.

    The file is that of a study (``minisnn reproduce``) or a sweep (``minisnn sweep``). `constants` are those of
    :func:`minisnn.timing.energy.load_constants`. `against` is the file of a study on other inputs of the same test
    images, with whose default this study's fastest setting is compared too; or, for the authors' variant, of the study
    of our network. Raise InputError if a file is missing or
    not a file of results, that of `against` has no default yet or other images, or the clock is not above 0. The report
    has

    - ``points``: list of dict, of :func:`minisnn.study.tables.flat`
    - ``failed``: list of (settings in words, reason)
    - ``about``: where the results come from

    and one dict per section; a section that lacks points has only ``missing``, a sentence:

    - ``trade``, accuracy against latency: ``settings``, list of {kind, seeds, latency, accuracy, firing_rate,
      ..._range}; ``marks``, list of {label, latency, accuracy} of selected settings
    - ``leaks``: ``betas, thresholds``; ``accuracy, firing_rate, latency``, by beta and threshold, None where there is
      no point; ``surrogate``
    - ``timeline``, where the cycles go: ``parts``, list of {label, settings, latency, layers, lanes, adds, waits, fires
      (cycles by layer), begins, added, fires_at, ends (by layer and step)}
    - ``power``, modelled energy: ``lines``, list of dict: latency, joules per image, images per second and per joule,
      and their ratio to the default with its range; ``constants``, list of (name, value, unit, source); ``clock_mhz``

    and of a study

    - ``protocol``: list of (heading, sentence, ...), as written before the first point
    - ``reached``: ``stages``, list of (name, points there, points or None); ``lacks``, a sentence
    - ``trials``: ``panels``, list of {title, series: {family: list of (scale, learning rate, validation accuracy)}};
      ``choices``, list of {beta, surrogate, lr, epochs, validation_accuracy, second, behind, error, tied}
    - ``curves``: ``lines``, by family list of {surrogate, lr, accuracy, firing_rate, latency}; ``equal``, {accuracy,
      firing_rate, latency}: ratios of the two families at equal accuracy
    - ``trade`` also has ``early``, list of {accuracy, latency} of the default read after each step, and ``early_step``
    - ``claims``: ``list``, of ``claims.claims``; ``floors``, of ``results.floor``; ``settled``, the selected settings
    - ``pitfalls``: ``lines``, list of {pitfall, setting, honest, wrong, seeds}, where honest and wrong have some of
      accuracy, latency, firing_rate

    of the authors' variant

    - ``authors``: ``lines``, by family list of {surrogate, accuracy, firing_rate, spikes (of an image), accuracy_float,
      firing_rate_float, firing_rates (by layer)}; ``ours``, by family list of {surrogate, accuracy, firing_rate,
      spikes} of a study; ``equal``, {accuracy, firing_rate}: ratio of the two families at equal accuracy

    and of a sweep

    - ``scales``, accuracy and firing rate by surrogate: ``panels``, list of {title, xlabel, series}; a series is a list
      of (x, accuracy, firing rate), by family
    - ``trade`` also has the Pareto ``front``, and ``how`` the marks were chosen

    A number with an interval is (value, low, high).
    """
    if not (clock_mhz > 0 and np.isfinite(clock_mhz)):
        raise InputError(f"the clock must be a number of MHz above 0, got {clock_mhz!r}")
    plan, rows, notes, seconds = _read(path)
    other: Any = None
    if against is not None:
        if plan is None:
            raise InputError(f"{path} is a sweep, and has no selected setting to compare with {against}; leave it out")
        other = _study_of(against, rows) if isinstance(plan, Variant) else _default_of(against, rows)
    return _contents(rows, plan, notes, seconds, clock_mhz, constants, other)


def _default_of(path, rows):
    """Return the name of the data of another study, and its default; raise InputError if it has other test images."""
    plan, others, _, _ = _read(path)
    selected = progress(plan, others).selected if isinstance(plan, Plan) else {}
    if "default" not in selected:
        raise InputError(f"{path} has no default to compare with; name the file of a study that has one")
    _check_images(path, [*selected["default"].rows, *rows])
    return plan.dataset, selected["default"]


def _study_of(path, rows):
    """Return the plan and the rows of a study on the test images of `rows`; raise InputError if it is none."""
    plan, others, _, _ = _read(path)
    if not isinstance(plan, Plan):
        raise InputError(f"{path} is no study to compare with; name the file of minisnn reproduce on the same images")
    _check_images(path, [*others, *rows])
    return plan, others


def _check_images(path, rows):
    """Raise InputError if finished rows have not all the same test images."""
    done = [row for row in rows if row["status"] == "done"]
    if len({str(row["result"]["test"]["blocks"]["images"]) for row in done}) > 1:
        raise InputError(f"{path} has other test images; name the file of a study on the same images")


def _read(path):
    """Return plan, rows, notes and computing time of a file, checked."""
    _check(path)
    with Store(path, read_only=True) as store:
        notes = {name: store.noted(name) for name in ("plan", "protocol", "command", "pitfalls")}
        plan = _plan(path, notes["plan"])
        rows, seconds = store.rows(), sum(store.seconds().values())
    for name, form in (("command", is_text), ("pitfalls", PITFALLS), ("protocol", [[is_text]])):
        if notes[name] is not None and (wrong := fault(notes[name], form)):
            raise InputError(f"{path} is damaged: {wrong} of its note {name} is not usable; run the study again")
    done = [row for row in rows if row["status"] == "done"]
    if plan and any(row["result"]["validation"] is None and row["point"]["training"]["validation"] for row in done):
        raise InputError(f"{path} has points without validation images, on which a study rests; run the study again")
    needed = NEEDED if isinstance(plan, Plan) else ()  # of a variant, the form of a row has all
    parts = [(row["result"][part], name) for row in done for part, name in needed]
    if not all(name in part for part, name in parts if part is not None):
        raise InputError(
            f"{path} has points without blocks of images, of which intervals are made; run the study again"
        )
    return plan, rows, notes, seconds


def _contents(rows, plan, notes, seconds, clock_mhz, constants, other):
    """Everything that a report says, from the rows and notes of a file."""
    return {
        "points": [flat(row, plan, clock_mhz, constants) for row in rows],
        "failed": [(describe(row["point"]), row["reason"]) for row in rows if row["status"] != "done"],
        **_sections(plan, rows, clock_mhz, constants, notes["pitfalls"], other),
        "protocol": notes["protocol"],
        "about": _about(plan, rows, notes["command"], seconds, clock_mhz),
    }


def _sections(plan, rows, clock_mhz, constants, pitfalls, other):
    if isinstance(plan, Variant):
        return authors.of_variant(plan, rows, other)
    if plan is None:
        return sections_of_sweep.of_sweep(rows, clock_mhz, constants)
    return sections.of_study(plan, rows, clock_mhz, constants, pitfalls, other)


def _check(path):
    """Raise InputError if the path is not a SQLite file."""
    try:
        right = is_sqlite(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; name a file that minisnn sweep or minisnn reproduce wrote") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); name a file that minisnn sweep or minisnn reproduce wrote"
        ) from None
    if not right:
        raise InputError(f"{path} is not a file of results; name one that minisnn sweep or minisnn reproduce wrote")


def _plan(path, note):
    """Return the plan or the variant stored as a note, or None."""
    if not note:
        return None
    try:
        # Of each kind the one that has something in every field.
        fullest = PLANS["svhn"] if "betas" in note else VARIANTS["svhn-authors"]
        plan = type(fullest)(**{key: tuple(value) if isinstance(value, list) else value for key, value in note.items()})
        example = asdict(fullest)
        right = all(alike(value, example[name]) for name, value in asdict(plan).items())
    except (TypeError, AttributeError):
        right = False
    if not (right and plan.seeds and is_whole(plan.training.get("num_steps"))):
        raise InputError(f"{path} has a plan of another version of minisnn; use that version")
    return plan


def _about(plan, rows, command, seconds, clock_mhz):
    done = [row for row in rows if row["status"] == "done"]
    names = sorted({row["point"]["data"]["name"] for row in rows})
    images = sorted({row["result"]["test"]["images"] for row in done})
    return {
        "dataset": ", ".join(names),
        "plan": plan and asdict(plan),
        "command": command,
        "seconds": seconds,
        "versions": versions(),
        "points": len(rows),
        "done": len(done),
        "test_images": images,
        "topology": sorted({row["point"]["network"]["topology"] for row in rows}),
        "seeds": sorted({row["point"]["training"]["seed"] for row in rows}),
        "clock_mhz": clock_mhz,
        "note": _split_note(plan, names, images),
    }


def _split_note(plan, names, images):
    """Return a sentence that warns if the data are only a part of SVHN."""
    if not {"svhn", "svhn-grey"} & set(names) or not images or images == [SVHN_OFFICIAL]:
        return ""
    if images == [1999]:
        return (
            "The data are a 10,000-image split of SVHN (8,001 for training and validation, 1,999 for testing), not "
            "the official benchmark."
        )
    return f"The data are only a part of SVHN ({', '.join(map(str, images))} test images), not the official benchmark."
