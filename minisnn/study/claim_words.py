"""Claims in words: the numbers, bars and verdicts of :mod:`minisnn.study.claims` as text."""

from typing import Any

from .claims import HOLDS, OPEN, UNSURE
from .markup import percent, whole, with_ends


def still_open(claims: list[dict]) -> str:
    """Return a sentence that says how many claims are open, and why; "" if none is."""
    notes = [claim["note"] for claim in claims if claim["verdict"] == OPEN]
    if not notes:
        return ""
    are = "is" if len(notes) == 1 else "are"
    return f"{len(notes)} of {len(claims)} claims {are} open: {'; '.join(dict.fromkeys(notes))}."


def in_short(report: dict[str, Any]) -> list[str]:
    """Return the sentences that say what a study found, each with its numbers and intervals.

    They are at most five, and one more for the default of another study.
    """
    claims, found = report["claims"]["list"], []
    early = report["trade"].get("early")
    if early:
        right, latency = _read(early[-1])
        found.append(f"The default, with the best scale and rate tried, has {right} right in {latency} cycles.")
    for claim in claims:
        if claim["group"] == "latency" and claim["tests"] and not claim["what"].endswith("read early"):
            cut, lost = claim["tests"]
            what = claim["what"].removesuffix(", against the default")
            comma = "," * (" against " in what)
            saves = f"saves {with_interval(cut)} {_price(lost)}"
            claimed = f"{bar(cut)} for {bar(lost)}"
            found.append(f"{what[0].upper()}{what[1:]}{comma} {saves}: the claim ({claimed}) {_said(claim)}.")
    if early:
        step = report["trade"]["early_step"]
        right, latency = _read(early[step - 1])
        found.append(f"The default itself, its answer read after step {step}, has {right} right in {latency} cycles.")
    firing = [claim for claim in claims if claim["group"] == "firing" and claim["tests"]]
    if firing:
        held = sum(claim["verdict"] == HOLDS for claim in firing)
        found.append(
            "That the fast sigmoid fires less than the arctangent at like accuracy, each tuned, holds at "
            f"{held} of {len(firing)} betas."
        )
    return found


def _price(lost):
    """Return what accuracy is lost, or gained, such as "for 0.38 (-0.82 to 1.54) points"."""
    if lost["value"] >= 0:
        return f"for {with_interval(lost)} points"
    gained = {"value": -lost["value"], "low": -lost["high"], "high": -lost["low"]}
    return f"and gains {with_interval(lost | gained)} points"


def _read(numbers):
    """Return accuracy and latency with their intervals."""
    return with_ends(numbers["accuracy"], percent), with_ends(numbers["latency"], whole)


def _said(claim):
    return f"is {claim['verdict']}" if claim["verdict"] == UNSURE else claim["verdict"]


def quantity(test: dict) -> str:
    """Return what a test measures, with the unit that :func:`amount` leaves out."""
    return f"{test['what']}, points" if test["unit"] == "points" else test["what"]


def with_interval(test: dict) -> str:
    """Return a test's number and its interval, such as "52.1 % (50.4 to 53.9)"."""
    low, high = (amount(test, test[end]).removesuffix(" %").removesuffix("x") for end in ("low", "high"))
    return f"{amount(test, test['value'])} ({low} to {high})"


def amount(test: dict, value: float) -> str:
    """Return a value in the unit of a test."""
    return {"%": f"{100 * value:.1f} %", "points": f"{100 * value:.2f}", "x": f"{value:.3f}x"}[test["unit"]]


def bar(test: dict) -> str:
    """Return the bar of a test, such as "at least 48 %"."""
    value = {"%": f"{100 * test['bar']:g} %", "points": f"{100 * test['bar']:g}", "x": f"{test['bar']:g}x"}[
        test["unit"]
    ]
    return {"<": "below ", ">": "above ", "<=": "at most ", ">=": "at least "}[test["sense"]] + value
