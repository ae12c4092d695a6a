"""Names for the entities that one function makes: they say what differs, in words if that is possible."""

import re
from dataclasses import is_dataclass
from itertools import combinations, islice
from typing import Any

from .kinds import Kind, facts_of

MOST_TRIED = 5000  # combinations of facts
Users = dict[Kind, list[tuple[Kind, str]]]  # of a kind, the kinds that it is in, and its label there


def users_of(kinds: list[Kind]) -> Users:
    """Return where each kind is used."""
    users: Users = {kind: [] for kind in kinds}
    for kind in kinds:
        for child in kind.children:
            users[child.kind].append((kind, re.sub(r"^u_|_\d+$", "", child.label)))
    return users


def variant_names(groups: list[list[Kind]], users: Users) -> list[str]:
    """Return a name for each group of kinds, all of one function.

    One has the name of the function, others are ``layer_of_pixels``, ``ram_signed``, ``look_up_find_tap`` or
    ``ram_64x8``: by what a specification says in words, then by flags, types and places, then by numbers.
    """
    base = groups[0][0].func.__name__
    if len(groups) == 1:
        return [base]
    words = [_common([_words(kind, users) for kind in group]) for group in groups]
    numbers = [_common([_numbers(kind) for kind in group]) for group in groups]
    facts = [a | b for a, b in zip(numbers, words)]
    if names := _told_apart(words) or _told_apart(facts) or _in_parts(words, facts):
        return [f"{base}_{name}" for name in names]
    alone = [next((_written((key,), each) for key in each if _only(key, each, words)), "") for each in words]
    if len(set(alone)) == len(groups):
        return [f"{base}_{name}".rstrip("_") for name in alone]
    labels = [f"{base}_{each['label']}" if each.get("label", base) != base else base for each in words]
    again = [f"_{labels[: at + 1].count(label)}" * (labels.count(label) > 1) for at, label in enumerate(labels)]
    return [label + number for label, number in zip(labels, again)]


def _only(key, facts, others):
    """Return whether one group alone has this fact."""
    return sum(each.get(key) == facts[key] for each in others) == 1


def _told_apart(facts):
    """Return words for each group, of as few facts as possible, or None."""
    keys = [key for key in facts[0] if all(key in each for each in facts) and len({each[key] for each in facts}) > 1]
    tries = [pick for size in (1, 2, 3) for pick in combinations(keys, size)]
    for pick in islice(tries, MOST_TRIED):
        if len({tuple(each[key] for key in pick) for each in facts}) == len(facts):
            return [_written(pick, each) for each in facts]
    return None


def _in_parts(words, facts):
    """Return words for each group: a fact that splits the groups into parts, and what tells those of a part apart."""
    for key in words[0]:
        if not all(key in each for each in words) or len({each[key] for each in words}) == 1:
            continue
        names = [""] * len(words)
        for value in dict.fromkeys(each[key] for each in words):
            part = [at for at, each in enumerate(words) if each[key] == value]
            own, all_own = [words[at] for at in part], [facts[at] for at in part]
            inner = [""] if len(part) == 1 else _told_apart(all_own) or _in_parts(own, all_own)
            for at, more in zip(part, inner or []):
                names[at] = "_".join(filter(None, (_written((key,), {key: value}), more)))
        if all(names):
            return names
    return None


def _common(facts):
    """Return the facts that all kinds of a group share."""
    return {key: value for key, value in facts[0].items() if all(each.get(key) == value for each in facts)}


def _said(kind, users):
    """Return what the specification of a kind says in words, or that of the blocks around it."""
    for spec in kind.parameters.values():
        if is_dataclass(spec) and hasattr(type(spec), "WORDS"):
            return {name: getattr(spec, name) for name in type(spec).WORDS}
    around = [_said(user, users) for user, _ in users[kind]]
    return _common(around) if around else {}


def _words(kind, users):
    facts = facts_of(kind)
    texts, flags = ({key: value for key, value in facts.items() if isinstance(value, one)} for one in (str, bool))
    places = {"label": {label for _, label in users[kind]}, "block": {user.func.__name__ for user, _ in users[kind]}}
    signed = {"type": "signed" if any((port.signal._min or 0) < 0 for port in kind.ports.values()) else "unsigned"}
    alone = {key: next(iter(names)) for key, names in places.items() if len(names) == 1}
    if "block" in alone:
        alone["block"] = f"in_{alone['block']}"
    return _said(kind, users) | texts | signed | alone | flags


def _numbers(kind):
    facts = {**facts_of(kind), **{f"{key}_width": width for key, width in kind.widths.items()}}
    return {key: value for key, value in facts.items() if type(value) is int}


def _written(keys: tuple[str, ...], facts: dict[str, Any]) -> str:
    if len(keys) == 2 and all(type(facts[key]) is int and facts[key] >= 0 for key in keys):
        return "x".join(str(facts[key]) for key in keys)
    words = []
    for key in keys:
        value, key = facts[key], key.removesuffix("_width")
        if isinstance(value, bool):
            words.append(key if value else f"not_{key}")
        elif isinstance(value, int):
            words.append(f"{value}_{key}".replace("-", "m"))
        else:
            words.append(re.sub(r"\W+", "_", str(value)).strip("_"))
    return "_".join(sorted(words, key=lambda word: word.startswith("of_")))
