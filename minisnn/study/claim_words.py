"""Claims in words: the numbers, bars and verdicts of :mod:`minisnn.study.claims` as text."""

from .claims import EFFICIENT, OPEN


def still_open(claims: list[dict]) -> str:
    """Return a sentence that says how many claims are open, and why; "" if none is."""
    notes = [claim["note"] for claim in claims if claim["verdict"] == OPEN]
    if not notes:
        return ""
    are = "is" if len(notes) == 1 else "are"
    return f"{len(notes)} of {len(claims)} claims {are} open: {'; '.join(dict.fromkeys(notes))}."


def brief(claim: dict) -> tuple[str, str, str]:
    """Return (the mean of a claim's first test, points of accuracy lost, verdict); "" for numbers it lacks."""
    means = [amount(test, test["mean"]) for test in claim["tests"]]
    result, lost = [*means, "", ""][:2]
    return result, lost, claim["verdict"]


def subject(claim: dict) -> str:
    """Return what a claim is about: what it compares, or the paper's words if it cannot be computed."""
    return claim["paper"] if claim["paper"] == EFFICIENT else claim["what"]


def results(claim: dict) -> str:
    """Return the means of a claim's tests with their bars, or "-" without tests."""
    parts = []
    for test in claim["tests"]:
        unit = " points" if test["unit"] == "points" else ""
        parts.append(f"{test['what']} {amount(test, test['mean'])}{unit} ({bar(test)})")
    return "; ".join(parts) or "-"


def quantity(test: dict) -> str:
    """Return what a test measures, with the unit that :func:`amount` leaves out."""
    return f"{test['what']}, points" if test["unit"] == "points" else test["what"]


def amount(test: dict, value: float) -> str:
    """Return a value in the unit of a test."""
    return {"%": f"{100 * value:.1f} %", "points": f"{100 * value:.2f}", "x": f"{value:.3f}x"}[test["unit"]]


def bar(test: dict) -> str:
    """Return the bar of a test, such as "at least 48 %"."""
    value = {"%": f"{100 * test['bar']:g} %", "points": f"{100 * test['bar']:g}", "x": f"{test['bar']:g}x"}[
        test["unit"]
    ]
    return {"<": "below ", ">": "above ", "<=": "at most ", ">=": "at least "}[test["sense"]] + value
