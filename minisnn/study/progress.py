"""Progress of a study: which of its points are there, and the settings that it selects once all of them are."""

from dataclasses import dataclass

from ..errors import InputError
from .plan import Plan
from .selection import Rows, identity
from .stages import STAGES, wanted
from .tables import describe


@dataclass(frozen=True)
class Progress:
    """The selected settings of a study, or the points that it lacks.

    Attributes
    ----------
    selected : dict of list
        Rows by seed of the settings that claims are about, by their names in
        :meth:`minisnn.study.selection.Rows.compared` and :meth:`~minisnn.study.selection.Rows.traded`. Nothing is
        selected until every point of every stage is there, because the best of some points may be any point. A setting
        with a failed point is left out.
    lacks : str
        Reason for what is not selected, such as "5 of 8 points are there in stage 2 of 5 (leaks)", or the points that
        failed; "" if nothing is missing.
    """

    selected: dict[str, list[dict]]
    lacks: str


def progress(plan: Plan, rows: list[dict]) -> Progress:
    """Return the progress of a study, from all of its rows; a failed point counts as there: it is not tried again.

    A stage is chosen from the results of those before it, so it has a known number of points once those are complete.
    """
    asked: set[tuple] = set()  # by the plan; a file may have other rows too
    for number, name in enumerate(STAGES, start=1):
        try:
            points = {tuple(setting.values()) for setting in wanted(name, plan, _of(plan, rows, asked))}
        except InputError as error:  # all points failed among which a choice would be made
            return Progress({}, str(error))
        present = points & {identity(row) for row in rows}
        if present != points:
            where = f"stage {number} of {len(STAGES)} ({name})"
            return Progress({}, f"{len(present)} of {len(points)} points are there in {where}")
        asked |= points
    return _finished(_of(plan, rows, asked), [row for row in rows if identity(row) in points])


def _of(plan, rows, points):
    """Return those of the rows that are among the points, in the same order, which decides between equals."""
    return Rows(plan, [row for row in rows if identity(row) in points])


def _finished(rows, last_stage):
    """Progress of a study whose points are all there; one that failed in the last stage leaves its setting out."""
    compared = {name: rows.seeds(**settings) for name, settings in rows.compared().items()}
    selected = {name: seeds for name, seeds in (compared | rows.traded()).items() if seeds}
    failed = sorted(describe(row["point"]) for row in last_stage if row["status"] == "failed")
    return Progress(selected, f"failed: {'; '.join(failed)}" if failed else "")
