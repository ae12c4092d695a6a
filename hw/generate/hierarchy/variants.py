"""Names for the entities that one function makes: they say what differs."""

import re
from itertools import combinations, islice
from typing import Any

from .kinds import Kind, facts_of

MOST_TRIED = 5000  # combinations of facts


def variant_names(groups: list[list[Kind]]) -> list[str]:
    """Return a name for each group of kinds, all of one function: ``ram``, or ``ram_64x8`` and ``ram_32x8``."""
    base = groups[0][0].func.__name__
    if len(groups) == 1:
        return [base]
    facts = [_common(group) for group in groups]
    keys = [key for key in facts[0] if all(key in each for each in facts) and len({each[key] for each in facts}) > 1]
    tries = [pick for size in (1, 2, 3) for pick in combinations(keys, size)]
    for pick in islice(tries, MOST_TRIED):
        if len({tuple(each[key] for key in pick) for each in facts}) == len(groups):
            return [f"{base}_{_written(pick, each)}" for each in facts]
    return [f"{base}_v{number}" for number in range(1, len(groups) + 1)]


def _common(group):
    """Return the facts that all kinds of a group share."""
    every = [{**facts_of(kind), **{f"{key}_width": width for key, width in kind.widths.items()}} for kind in group]
    return {key: value for key, value in every[0].items() if all(each.get(key) == value for each in every)}


def _written(keys: tuple[str, ...], facts: dict[str, Any]) -> str:
    if len(keys) == 2 and all(type(facts[key]) is int and facts[key] >= 0 for key in keys):
        return "x".join(str(facts[key]) for key in keys)
    words = []
    for key in keys:
        value, key = facts[key], key.removesuffix("_width")
        if isinstance(value, bool):
            words.append(key if value else f"not_{key}")
        elif isinstance(value, int):
            words.append(f"{key}{value}".replace("-", "m"))
        else:
            words.append(re.sub(r"\W+", "_", str(value)).strip("_"))
    return "_".join(words)
