"""From kinds of blocks to entities: kinds that differ in a few numbers alone are one entity with generics."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .instances import component
from .kinds import Kind, facts_of
from .names import DEFINED, KEYWORDS
from .variants import users_of, variant_names

NUMBER = re.compile(r"(?<![\w'\".])\d+(?![\w'\".])")
MOST = 24  # generics of an entity; one with more is harder to read than several


@dataclass(eq=False)
class Entity:
    """An entity or module, which becomes a file."""

    name: str
    text: str
    kinds: list[Kind]
    generics: dict[str, list[int]] = field(default_factory=dict)  # of each, its value in each kind

    @property
    def func(self) -> Callable:
        """The function of the block."""
        return self.kinds[0].func

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
            entities = _merged(group, {kind: _resolved(kind, found, hdl) for kind in group}, hdl)
            for entity, called in zip(entities, variant_names([entity.kinds for entity in entities], users)):
                entity.name = called
        for entity in entities:
            base, number = entity.name, 1
            while entity.kinds != [top] and entity.name.lower() in taken:
                number += 1
                entity.name = f"{base}_{'block' if base.lower() in KEYWORDS else number}"
            taken.add(entity.name.lower())
            for kind in entity.kinds:
                found[kind] = entity
                entity.text = entity.text.replace(kind.token, entity.name)
            entity.text = entity.text.replace(SELF, entity.name)
        result += entities
    return result


SELF = "KIND_ITSELF"  # stands for the name of the entity whose text it is


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
            return f"{blanks}{label}: {entity.name}\n" + (f"{blanks}    generic map ({pairs})\n" if pairs else "")
        pairs = ", ".join(f".{key}({value})" for key, value in values.items())
        return f"{blanks}{entity.name} {f'#({pairs}) ' if pairs else ''}{label} (\n"

    by_token = {child.kind.token: child.kind for child in kind.children}
    form = (
        r"(?m)^( *)(\w+): (KIND\d+KIND)\n" if hdl == "vhdl" else r"(?m)^( *)(?=KIND\d+KIND (\w+))(KIND\d+KIND) \w+ \(\n"
    )
    text = re.sub(form, instance, kind.text)
    if hdl == "vhdl":
        used = dict.fromkeys(found[child.kind] for child in kind.children)
        text = text.replace("COMPONENTS\n", "\n".join(component(entity.name, entity.text) for entity in used))
    return text.replace(kind.token, SELF)


def _merged(group, texts, hdl):
    """Return the entities of kinds of one function."""
    classes: dict[str, list[Kind]] = {}
    for kind in group:
        classes.setdefault(NUMBER.sub("#", texts[kind]), []).append(kind)
    result = []
    for kinds in classes.values():
        text, generics = _with_generics([texts[kind] for kind in kinds], kinds, hdl)
        if len(generics) <= MOST:
            result.append(Entity("", text, kinds, generics))
        else:
            same: dict[str, list[Kind]] = {}
            for kind in kinds:
                same.setdefault(texts[kind], []).append(kind)
            result += [Entity("", text, each) for text, each in same.items()]
    return result


def _with_generics(texts, kinds, hdl):
    """Return a text in which the numbers that differ are generics, and their values in each of the texts."""
    if len(set(texts)) == 1:
        return texts[0], {}
    places = [list(NUMBER.finditer(text)) for text in texts]
    columns = list(zip(*([int(found[0]) for found in each] for each in places)))
    own = re.sub(r"component .*?end component;|\w+ =>|\.\w+\(", "", texts[0].lower(), flags=re.DOTALL)
    taken = set(re.findall(r"[a-z]\w*", own)) | KEYWORDS | DEFINED | {kinds[0].func.__name__.lower()}
    offers = _offers(kinds, taken)
    generics: dict[str, tuple[int, ...]] = {}
    result, last = [], 0
    for place, values in zip(places[0], columns):
        if len(set(values)) == 1:
            continue
        result.append(texts[0][last : place.start()])
        last = place.end()
        key, offset = _expressed(values, generics) or _expressed(values, offers) or (None, 0)
        if key is None:
            name, offset = _in_context(texts[0], place)
            key, number = name, 1
            while key.lower() in taken or key in generics:
                number += 1
                key = f"{name}_{number}"
            generics[key] = tuple(value - offset for value in values)
        elif key in offers:
            generics[key] = offers[key]
        word = key if not offset else f"{key} {'+' if offset > 0 else '-'} {abs(offset)}"
        before, after = texts[0][: place.start()], texts[0][place.end() :]
        bare = not offset or (before.endswith(("(", "[", " to ", ", ")) and re.match(r"\)| downto|:|,| loop", after))
        result.append(word if bare else f"({word})")
    text = "".join(result) + texts[0][last:]
    if hdl == "vhdl":
        text = text.replace(
            f"entity {SELF} is\n", f"entity {SELF} is\n    generic ({', '.join(generics)}: integer);\n", 1
        )
    else:
        given = ", ".join(f"{key} = {values[0]}" for key, values in generics.items())
        text = text.replace(f"module {SELF} (", f"module {SELF} #(parameter {given}) (", 1)
    return text, {key: list(values) for key, values in generics.items()}


def _in_context(text, place):
    """Return a name for a number, and the number less what is called so, from the words before it."""
    line = text[text.rfind("\n", 0, place.start()) + 1 : place.start()]
    if found := re.search(r"[(,] ?(\w+) => $|\.(\w+)\($", line):  # a generic of a sub-block
        return found[1] or found[2], 0
    if found := re.match(r"signal (\w+): \w+\($", line):
        return f"{found[1]}_width", -1
    if found := re.match(r"(?:reg|wire) (?:signed )?\[$", line):
        return re.match(r"[^\]]*\] (\w+)", text[place.end() :])[1] + "_width", -1
    return "number", 0


def _offers(kinds, taken):
    """Return {name: values in the kinds} of what could be a generic: arguments and variables, widths of ports."""
    facts = [{key: v for key, v in facts_of(kind).items() if type(v) is int} for kind in kinds]
    facts = [
        kind.numbers | each | {f"{key}_width": v for key, v in kind.widths.items()} for each, kind in zip(facts, kinds)
    ]
    result = {}
    for key in facts[0]:
        values = tuple(each.get(key) for each in facts)
        if key.lower() not in taken and None not in values and len(set(values)) > 1:
            result[key] = values
    return result


def _expressed(values, names):
    """Return (name, offset) of a generic from whose values these differ by the same, at most 1."""
    for offset in (0, -1, 1):
        for name, others in names.items():
            if all(value == other + offset for value, other in zip(values, others)):
                return name, offset
    return None
