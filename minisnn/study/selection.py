"""Selection: the settings that later stages and claims use, chosen by validation results alone."""

from typing import Any

from .. import surrogate as surrogates
from ..errors import InputError
from .plan import PAPER_LOSS, Plan


class _Any:
    """The class of ANY."""

    def __repr__(self):
        return "ANY"


ANY = _Any()  # matches every value of a setting


class Rows:
    """The finished rows of a study, and the choices made among them; failed rows are ignored.

    `rows` are those of :meth:`minisnn.study.store.Store.rows`.
    """

    def __init__(self, plan: Plan, rows: list[dict]):
        self.plan = plan
        self.rows = [row for row in rows if row["status"] == "done"]

    def screened(self, **wanted: Any) -> list[dict]:
        """Return the rows of the screening with these settings, named as in :func:`settings_of`.

        Unlisted settings must equal the default, except the surrogate, which may be any; ANY matches everything.
        """
        return self._with(self.plan.screening, wanted)

    def full(self, **wanted: Any) -> list[dict]:
        """Return the full-length rows (stage 5) with these settings, all seeds; settings as for :meth:`screened`."""
        return self._with(self.plan.epochs, wanted)

    def _with(self, epochs, wanted):
        wanted = {
            "beta": self.plan.beta,
            "threshold": self.plan.threshold,
            "rate_penalty": None,
            "num_steps": self.plan.training["num_steps"],
            "surrogate": ANY,
            **wanted,
        }

        def matches(row):
            settings = settings_of(row)
            return all(value is ANY or settings[name] == value for name, value in wanted.items())

        return [row for row in self.rows if row["point"]["training"]["epochs"] == epochs and matches(row)]

    def best(self, family: str) -> str:
        """Return the most accurate screened surrogate of "fast_sigmoid" or "atan", such as "atan:4".

        Only scales of the plan count, at the default's beta and threshold; of equals the faster one is best. Raise
        InputError if no such row exists yet.
        """
        scales = (*self.plan.scales, getattr(self.plan, family))
        names = [f"{family}:{scale:g}" for scale in scales]
        rows = [row for row in self.screened() if settings_of(row)["surrogate"] in names]
        if not rows:
            raise InputError(
                f"stage 1 has no result of {family} at the plan's scales, and the next stages need one; minisnn "
                "reproduce --retry computes failed points again"
            )
        best = max(rows, key=lambda row: (validation(row)["accuracy"], -validation(row)["latency"]))
        return settings_of(best)["surrogate"]

    def default(self) -> dict:
        """Return the screened row of the default at its best scale; raise InputError if there is none yet."""
        (row,) = self.screened(surrogate=self.best("fast_sigmoid"))
        return row

    def trades(self, rows: list[dict], count: int, loss: float) -> list[dict]:
        """Return the `count` fastest rows that lose at most `loss` of the default's accuracy, fastest first.

        A negative loss asks for a gain. Latency and accuracy are those on validation.
        """
        least = validation(self.default())["accuracy"] - loss
        accurate_enough = [row for row in rows if validation(row)["accuracy"] >= least]
        return sorted(accurate_enough, key=lambda row: validation(row)["latency"])[:count]

    def fastest(self, rows: list[dict]) -> list[dict]:
        """Return the fastest row within each of the plan's margins of accuracy."""
        return [row for margin in self.plan.margins for row in self.trades(rows, 1, margin)]

    @staticmethod
    def accurate(rows: list[dict], count: int) -> list[dict]:
        """Return the `count` rows of highest validation accuracy, most accurate first."""
        return sorted(rows, key=lambda row: (-validation(row)["accuracy"], validation(row)["latency"]))[:count]

    def seeds(self, **wanted: Any) -> list[dict]:
        """Return the full-length rows with these settings by seed; an empty list until every seed is done."""
        rows = sorted(self.full(**wanted), key=lambda row: row["point"]["training"]["seed"])
        return rows if [row["point"]["training"]["seed"] for row in rows] == sorted(self.plan.seeds) else []

    def compared(self) -> dict[str, dict[str, str]]:
        """Return the surrogates that claims compare, with the default's other settings, by the setting's name.

        - "default", "named": the default at its best scale, and at snnTorch's scale
        - "atan", "atan named": the same two with the arctangent
        - "wide", "same scale": the fast sigmoid as wide as "atan", and with the scale of "atan"
        """
        plan, atan = self.plan, self.best("atan")
        _, _, scale = atan.partition(":")
        wide = surrogates.match_width("fast_sigmoid", surrogates.parse(atan))
        return {
            "named": {"surrogate": f"fast_sigmoid:{plan.fast_sigmoid:g}"},
            "default": {"surrogate": self.best("fast_sigmoid")},
            "atan": {"surrogate": atan},
            "atan named": {"surrogate": f"atan:{plan.atan:g}"},
            "wide": {"surrogate": str(wide)},
            "same scale": {"surrogate": f"fast_sigmoid:{scale}"},
        }

    def traded(self) -> dict[str, list[dict]]:
        """Return the fastest settings that lose little against the default: rows by seed, by the setting's name.

        - "paper": the fastest beta and threshold that lose at most what the paper loses
        - "leak", "priced", "steps": the fastest settings that lose at most the tolerance; beta and threshold vary in
          "leak", the surrogate and a rate penalty too in "priced", and the number of steps too in "steps"

        The result is empty until the default has every seed. It means nothing until all settings that could be the
        fastest are there: :func:`minisnn.study.progress.progress` sees to that.
        """
        best = self.best("fast_sigmoid")
        default = self.seeds(surrogate=best)
        if not default:
            return {}
        leak = {"surrogate": best, "beta": ANY, "threshold": ANY}
        priced = leak | {"surrogate": ANY, "rate_penalty": ANY}
        groups = {
            "paper": (leak, PAPER_LOSS),
            "leak": (leak, self.plan.tolerance),
            "priced": (priced, self.plan.tolerance),
            "steps": (priced | {"num_steps": ANY}, self.plan.tolerance),
        }
        return {name: self._fastest_setting(default, wanted, loss) for name, (wanted, loss) in groups.items()}

    def _fastest_setting(self, default, wanted, loss):
        """Rows of the setting with the lowest mean latency whose mean accuracy loses at most `loss`."""
        settings = dict.fromkeys(tuple(settings_of(row).items()) for row in self.full(**wanted))
        complete = [rows for rows in (self.seeds(**dict(items)) for items in settings) if rows]
        least = mean(default, "accuracy") - loss
        accurate_enough = [rows for rows in complete if mean(rows, "accuracy") >= least]
        return min(accurate_enough, key=lambda rows: mean(rows, "latency"))


def mean(rows: list[dict], name: str, part: str = "validation") -> float:
    """Return the mean over rows of a result, such as "accuracy" or "latency", on "validation" or "test" images."""
    return sum(row["result"][part][name] for row in rows) / len(rows)


def settings_of(row: dict) -> dict[str, Any]:
    """Return the settings that a study varies: surrogate, beta, threshold, num_steps, rate_penalty."""
    network, training = row["point"]["network"], row["point"]["training"]
    return {
        "surrogate": network["surrogate"],
        "beta": network["beta"],
        "threshold": network["threshold"],
        "num_steps": training["num_steps"],
        "rate_penalty": training["rate_penalty"],
    }


def identity(row: dict) -> tuple:
    """Return what distinguishes a row from the others of its study: its settings, epochs and seed."""
    training = row["point"]["training"]
    values = (*settings_of(row).values(), training["epochs"], training["seed"])
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)  # lists by layer


def validation(row: dict) -> dict[str, Any]:
    """Return a row's results on validation images, which all choices use."""
    return row["result"]["validation"]
