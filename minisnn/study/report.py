"""What a study found, as plain numbers: the report without its figures and its page."""

from dataclasses import asdict

import numpy as np

from ..errors import InputError
from ..model import versions
from . import sections
from . import stages as study
from .store import Store
from .tables import describe, flat

SVHN_OFFICIAL = 26_032  # test images


def gather(path, clock_mhz=100.0, constants=None):
    """All that a report says of a file of results.

    Parameters
    ----------
    path : str or Path
        Of a study (``minisnn reproduce``) or a sweep (``minisnn sweep``), finished or not.
    clock_mhz : float
    constants : dict, optional
        Of the energy model, as of :func:`minisnn.timing.energy.load_constants`.

    Returns
    -------
    report : dict
        ``points``: list of dict, of :func:`minisnn.study.tables.flat`; ``failed``: list of (settings in words, reason);
        ``about``: dict of where all of it is from. And sections, each a dict; one that lacks points has a sentence
        ``missing`` and nothing else:

        - ``scales``, accuracy and firing rate by surrogate: ``panels``, list of {title, xlabel, series: dict of list of
          (x, accuracy, firing rate) by family}.
        - ``leaks``, beta x threshold: ``betas, thresholds``; ``accuracy, firing_rate, latency``, lists of rows (beta)
          of values, None where there is no point; ``surrogate``.
        - ``trade``, accuracy against latency: ``settings``, list of {kind, length, latency, accuracy, ..._range,
          seeds}; ``front`` of these; ``marks``, list of {label, latency, accuracy}: what was chosen; ``how``: by what.
        - ``timeline``, where the cycles go: ``parts``, list of {label, settings, latency, layers, lanes, adds, waits,
          fires (cycles by layer), begins, added, fires_at, ends (by layer and step)}; ``how``.
        - ``power``, modelled energy: ``lines``, list of dict: latency, joules of an image, images a second and a joule,
          and these relative to the default, with their range; ``constants``, list of (name, value, unit, source);
          ``clock_mhz``; ``how``.
        - ``claims``: ``list``, of ``claims.claims``; ``floors``, of ``claims.floor``;
          ``settled``, what they rest on, by name.
        - ``pitfalls``: ``lines``, list of {pitfall, setting, honest, wrong, seeds}, honest and wrong of some of
          accuracy, latency, firing_rate; ``optimism``, of :func:`minisnn.study.sections.optimism`.

    Raises
    ------
    InputError
        If the file is missing or not one of results, or the clock is not above 0.

    Examples
    --------
    A sweep of two values of beta with two seeds each:

    >>> import tempfile
    >>> from minisnn import load_data
    >>> from minisnn.study import point, sweep
    >>> data = load_data("digits")
    >>> points = [point.make(data, {"topology": "16-10", "beta": beta}, {"epochs": 1, "num_steps": 2, "seed": seed})
    ...           for beta in (0.5, 0.9) for seed in (0, 1)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     outcome = sweep.sweep(points, f"{folder}/study.sqlite", "digits", sweep.Here())
    ...     report = gather(f"{folder}/study.sqlite")
    >>> len(report["points"]), report["leaks"]["betas"], report["leaks"]["thresholds"]
    (4, [0.5, 0.9], [1.0])
    >>> [each["seeds"] for each in report["trade"]["settings"]]  # a setting is the mean over its seeds
    [2, 2]
    >>> report["claims"]["missing"]
    'A sweep has no default to compare with; the claims are those of minisnn reproduce.'
    """
    if not (clock_mhz > 0 and np.isfinite(clock_mhz)):
        raise InputError(f"the clock must be a number of MHz above 0, got {clock_mhz!r}")
    _check(path)
    with Store(path, create=False) as store:
        rows, noted = store.rows(), {name: store.noted(name) for name in ("plan", "command", "pitfalls")}
        seconds = sum(store.seconds().values())
    plan = _plan(path, noted["plan"])
    done = [row for row in rows if row["status"] == "done"]
    return {
        "points": [flat(row, plan, clock_mhz, constants) for row in rows],
        "failed": [(describe(row["point"]), row["reason"]) for row in rows if row["status"] != "done"],
        **sections.of_study(plan, done, clock_mhz, constants, noted["pitfalls"]),
        "about": _about(plan, rows, noted["command"], seconds, clock_mhz),
    }


def _check(path):
    """That it is no other file: SQLite would make an empty one its own."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        raise InputError(f"{path} is not there; name the file that minisnn sweep or minisnn reproduce wrote") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); name the file that minisnn sweep or minisnn reproduce wrote"
        ) from None
    if start != b"SQLite format 3\0":
        raise InputError(f"{path} is not a file of results; name the one that minisnn sweep or minisnn reproduce wrote")


def _plan(path, noted):
    try:
        return noted and study.Plan(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in noted.items()}
        )
    except TypeError:
        raise InputError(f"{path} has a plan of another version of minisnn; use that version") from None


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
    """That a part of SVHN is not SVHN."""
    if "svhn" not in names or not images or images == [SVHN_OFFICIAL]:
        return ""
    if images == [1999]:
        return (
            "The data are a 10,000-image split of SVHN (8,001 for training and validation, 1,999 for testing), not "
            "the official benchmark."
        )
    return f"The data are a part of SVHN ({', '.join(map(str, images))} test images), not the official benchmark."
