"""From kinds of blocks to entities: kinds that differ in a few numbers alone are one entity with generics."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .generics import NUMBER, Generics
from .generics import OWN as SELF
from .kinds import Kind
from .names import DEFINED, KEYWORDS
from .variants import users_of, variant_names

MOST = 40  # generics of an entity; one with more is harder to read than several
_INSTANCE = {  # blanks before it, its label, and the token of its kind
    "vhdl": r"(?m)^( *)(\w+): entity work\.(KIND\d+KIND)\n",
    "verilog": r"(?m)^( *)(?=KIND\d+KIND (\w+))(KIND\d+KIND) \w+ \(",
}


@dataclass(eq=False)
class Entity:
    """An entity or module, which becomes a file."""

    name: str
    text: str
    kinds: list[Kind]
    generics: dict[str, list[int]] = field(default_factory=dict)  # of each, its value in each kind
    sources: dict[str, str] = field(default_factory=dict)  # of each, what it is; "" for a number that the block names
    below: dict[str, "Entity"] = field(default_factory=dict)  # the entities of its sub-blocks, by name

    @property
    def func(self) -> Callable:
        """The function of the block."""
        return self.kinds[0].func

    def widths(self, hdl: str) -> dict[str, str]:
        """Return the generic that is the width of each port."""
        if hdl == "vhdl":
            entity = self.text[self.text.index("entity ") : self.text.index("end entity")]
            return dict(re.findall(r"(\w+): (?:in|out) (?:un)?signed\((\w+) - 1 downto 0\)", entity))
        head = self.text[: self.text.index(");")]
        return {port: name for name, port in re.findall(r"\[(\w+) - 1:0\] (\w+)", head)}

    def map_of(self, kind: Kind) -> dict[str, int]:
        """Return the values of the generics that make a kind."""
        return {name: values[self.kinds.index(kind)] for name, values in self.generics.items()}


def entities_of(kinds: list[Kind], name: str, hdl: str, taken: set[str]) -> list[Entity]:
    """Return the entities of a design, sub-blocks before the blocks around them; the top has the name `name`.

    `taken` are names that no entity may have.
    """
    top, users = kinds[-1], users_of(kinds)
    found: dict[Kind, Entity] = {}
    result: list[Entity] = []
    by_name: dict[str, Entity] = {}
    taken = {each.lower() for each in taken} | {name.lower()} | KEYWORDS | DEFINED
    for group in _groups(kinds):
        if group == [top]:
            entities = [Entity(name, _resolved(top, found, hdl), group)]
        elif any(
            child.kind in group for kind in group for child in kind.children
        ):  # a block in a smaller one of its kind
            entities = []
            for number, kind in enumerate(group, 1):
                entity = Entity(f"{kind.func.__name__}_{number}", "", [kind])
                found[kind] = entity
                entity.text = _resolved(kind, found, hdl)
                entities.append(entity)
        else:
            entities = _merged(group, {kind: _resolved(kind, found, hdl) for kind in group}, hdl, by_name)
            for entity, called in zip(entities, variant_names([entity.kinds for entity in entities], users)):
                entity.name = called
        for entity in entities:
            base, number = entity.name, 1
            while entity.kinds != [top] and entity.name.lower() in taken:
                number += 1
                entity.name = f"{base}_{'block' if base.lower() in KEYWORDS else number}"
            taken.add(entity.name.lower())
            by_name[entity.name] = entity
            entity.below = {found[child.kind].name: found[child.kind] for child in entity.kinds[0].children}
            for kind in entity.kinds:
                found[kind] = entity
                entity.text = entity.text.replace(kind.token, entity.name)
            entity.text = entity.text.replace(SELF, entity.name)
        result += entities
    return result


def _groups(kinds):
    """Return the kinds by function, those of functions that others use first."""
    by_func: dict[Any, list[Kind]] = {}
    for kind in kinds[:-1]:
        by_func.setdefault(kind.func, []).append(kind)
    order: list[list[Kind]] = []

    def visit(func):
        group = by_func.pop(func, None)
        if group:
            for kind in group:
                for child in kind.children:
                    visit(child.kind.func)
            order.append(group)

    for kind in kinds[:-1]:
        visit(kind.func)
    return [*order, [kinds[-1]]]


def _resolved(kind, found, hdl):
    """Return a kind's text with the names of its sub-blocks, and the values of their generics."""

    def instance(match):
        blanks, label, child = match[1], match[2], by_token[match[3]]
        entity = found[child]
        values = entity.map_of(child)
        if hdl == "vhdl":
            pairs = ", ".join(f"{key} => {value}" for key, value in values.items())
            generics = f"{blanks}    generic map ({pairs})\n" if pairs else ""
            return f"{blanks}{label}: entity work.{entity.name}\n{generics}"
        pairs = ", ".join(f".{key}({value})" for key, value in values.items())
        return f"{blanks}{entity.name} {f'#({pairs}) ' if pairs else ''}{label} ("

    by_token = {child.kind.token: child.kind for child in kind.children}
    return re.sub(_INSTANCE[hdl], instance, kind.text).replace(kind.token, SELF)


def _with_generics(texts, kinds, hdl, by_name):
    """Return one entity for several kinds, or None if the numbers in which they differ cannot be called by names."""
    if len(set(texts)) == 1:
        return Entity("", texts[0], kinds)
    made = Generics(texts, kinds, hdl, by_name)
    text = made.written()
    used = {} if text is None else {key: v for key, v in made.generics.items() if re.search(rf"\b{key}\b", text)}
    if text is None or len(used) > MOST:
        return None
    if hdl == "vhdl":
        names = ", ".join(used)
        text = text.replace(f"entity {SELF} is\n", f"entity {SELF} is\n    generic ({names}: integer);\n", 1)
    else:
        given = ", ".join(f"{key} = {values[0]}" for key, values in used.items())
        text = text.replace(f"module {SELF} (", f"module {SELF} #(parameter {given}) (", 1)
    return Entity("", text, kinds, {key: list(values) for key, values in used.items()}, made.sources)


def _merged(group, texts, hdl, by_name):
    """Return the entities of kinds of one function."""
    classes: dict[str, list[Kind]] = {}
    for kind in group:
        classes.setdefault(NUMBER.sub("#", texts[kind]), []).append(kind)
    result = []
    for kinds in classes.values():
        entity = _with_generics([texts[kind] for kind in kinds], kinds, hdl, by_name)
        if entity is not None:
            result.append(entity)
        else:
            same: dict[str, list[Kind]] = {}
            for kind in kinds:
                same.setdefault(texts[kind], []).append(kind)
            result += [Entity("", text, each) for text, each in same.items()]
    return result
