"""Progress of a study: which of its points are there, and the settings that it selects from them."""

from dataclasses import dataclass
from typing import NamedTuple

from ..errors import InputError
from .intervals import Seeds
from .plan import FAMILIES, Plan
from .selection import Rows, identity
from .stages import STAGES, bases, finals, refit, wanted
from .tables import describe


class Reached(NamedTuple):
    """Points of a stage that are there, and their number; None while a stage before it is not complete."""

    name: str
    there: int
    total: int | None

    @property
    def whole(self) -> bool:
        """True if no point of the stage is missing."""
        return self.there == self.total


@dataclass(frozen=True)
class Progress:
    """The points that a study has reached, and its selections.

    Attributes
    ----------
    stages : list of Reached
        All stages in order.
    rows : Rows
        Rows of the stages that are complete.
    selected : dict of Seeds
        Rows by seed, and when their answers are read: "FAMILY BETA", what a family and beta allow, from the stage
        "bases"; "default", and "cycles" and "steps", what the bars are tested with, from the stage "refits". Nothing is
        selected from an unfinished stage, because the best of some points may be any point.
    lacks : str
        Reason for what is not selected, such as "5 of 8 points are there in stage 2 of 8 (finalists)", or the points
        that failed; "" if nothing is missing.
    """

    stages: list[Reached]
    rows: Rows
    selected: dict[str, Seeds]
    lacks: str

    def has(self, stage: str) -> bool:
        """Return True if a stage is complete."""
        return next(reached.whole for reached in self.stages if reached.name == stage)


def progress(plan: Plan, rows: list[dict]) -> Progress:
    """Return the progress of a study, from all of its rows; a failed point counts as there: it is not tried again.

    A stage is chosen from the results of those before it, so it has a known number of points once those are complete.
    """
    asked: set[tuple] = set()  # by the plan; a file may have other rows too
    present = {identity(row) for row in rows}
    reached, lacks = [], ""
    for number, name in enumerate(STAGES, start=1):
        if lacks:
            reached.append(Reached(name, 0, None))
            continue
        try:
            points = {(*one.values(), epochs, seed) for one, epochs, seed in wanted(name, _of(plan, rows, asked))}
        except InputError as error:  # all points failed among which a choice would be made
            lacks = str(error)
            reached.append(Reached(name, 0, None))
            continue
        reached.append(Reached(name, len(points & present), len(points)))
        if points <= present:
            asked |= points
        else:
            lacks = (
                f"{len(points & present)} of {len(points)} points are there in stage {number} of {len(STAGES)} ({name})"
            )
    whole = _of(plan, rows, asked)
    failed = sorted(describe(row["point"]) for row in rows if row["status"] == "failed" and identity(row) in asked)
    lacks = lacks or (f"failed: {'; '.join(failed)}" if failed else "")
    return Progress(reached, whole, _selected(whole, {one.name for one in reached if one.whole}), lacks)


def _of(plan, rows, points):
    """Return those of the rows that are among the points, in the same order, which decides between equals."""
    return Rows(plan, [row for row in rows if identity(row) in points])


def _selected(rows, whole):
    """Return the settings that the stages that are `whole` select; one that failed is left out."""
    selected = {}
    if "refits" in whole:
        selected = {name: of._replace(rows=rows.seeds(refit(of))) for name, of in finals(rows).items()}
    if "bases" in whole:
        cells = [f"{family} {beta:g}" for beta in rows.plan.betas for family in FAMILIES]
        selected |= {name: Seeds(rows.seeds(setting)) for name, setting in zip(cells, bases(rows), strict=True)}
    return {name: found for name, found in selected.items() if found.rows}
