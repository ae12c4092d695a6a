"""Generics for the numbers in which kinds of blocks differ, each named by where it comes from in the block's source.

Two numbers are one generic only if they have one source: the same variable, or widths that must be equal because one
signal is assigned to the other, both are at ports of one width, or one expression gives both their shapes. A width is
called ``address_bits``; other numbers have the names that they have in the block.
"""

import re
from typing import Any

from .kinds import Kind, computed_by, facts_of
from .names import DEFINED, KEYWORDS
from .origins import alias_of, argument, equal_widths, ranges, shape_of, sources, statements

NUMBER = re.compile(r"(?<![\w'\".])\d+(?![\w'\".])")
MOST_APART = 3  # of a number, and the one in the source that it comes from
OWN = "KIND_ITSELF"  # stands for the name of the entity whose text it is
Values = tuple[int, ...]  # of a number, in each kind
_WIDTH = {
    "vhdl": r"(?m)^ *(?:signal |variable )?(\w+): (?:in |out )?(?:un)?signed\((\d+) downto 0\)",
    "verilog": r"(?m)^ *(?:input|output|reg|wire)(?: reg)?(?: signed)? \[(\d+):0\] (\w+)",
}
_ARRAY = {
    "vhdl": r"(?m)^type t_array_(\w+) is array\(0 to (\d+)\) of (?:(?:un)?signed\((\d+) downto 0\))?",
    "verilog": r"(?m)^ *(?:reg|wire)(?: signed)?(?: \[\d+:0\])? (\w+) \[0:(\d+)\]",
}
_INSTANCE = {
    "vhdl": r"(?s)(\w+): entity work\.(\w+)\n +generic map \((.*?)\)\n +port map \((.*?)\);\n",
    "verilog": r"(?ms)^ *(\w+) #\((.*?)\) (\w+) \((.*?)\);\n",
}
_PAIR = {"vhdl": r"(\w+) => ([^,]*\([^)]*\)|[^,\n]*)", "verilog": r"\.(\w+)\(((?:[^()]|\([^()]*\))*)\)"}


class Generics:
    """The generics of an entity that several kinds share."""

    def __init__(self, texts: list[str], kinds: list[Kind], hdl: str, entities: dict[str, Any]):
        self.text, self.kinds, self.hdl, self.func = texts[0], kinds, hdl, kinds[0].func
        self.entities = entities  # those of sub-blocks, by name
        self.found = list(NUMBER.finditer(self.text))
        columns = zip(*([int(each[0]) for each in NUMBER.finditer(text)] for text in texts))
        self.values: dict[int, Values] = {place.start(): values for place, values in zip(self.found, columns)}
        own = re.sub(r"\w+ =>|\.\w+\(", "", self.text.lower())
        self.taken = set(re.findall(r"[a-z]\w*", own)) | KEYWORDS | DEFINED | {self.func.__name__.lower()}
        self.facts = self._facts()
        self.generics: dict[str, Values] = {}
        self.sources: dict[str, str] = {}  # of each generic, what it is
        self.widths: dict[str, tuple[int, Values]] = {}  # of a signal, the place of its range, and its width
        self.depths: dict[int, str] = {}  # the array at the place of its number of elements
        self.same: dict[str, str] = {}  # a signal of the same width, up to the one that stands for all
        self.of_child: dict[int, tuple[str, str, str]] = {}  # at a generic of a sub-block: label, entity and name
        self.at_port: dict[int, str] = {}  # at a width of a sub-block, a signal that has it
        self._read_declarations()
        self._join()

    def _facts(self) -> dict[str, Values]:
        """Return the whole numbers that the block was given or that its specification computes, and its variables."""
        every = [
            computed_by(kind) | kind.numbers | {k: v for k, v in facts_of(kind).items() if type(v) is int}
            for kind in self.kinds
        ]
        return {key: tuple(each[key] for each in every) for key in every[0] if all(key in each for each in every)}

    def _read_declarations(self):
        for found in re.finditer(_WIDTH[self.hdl], self.text):
            name, number = (1, 2) if self.hdl == "vhdl" else (2, 1)
            self.widths[found[name]] = found.start(number), tuple(v + 1 for v in self.values[found.start(number)])
        for found in re.finditer(_ARRAY[self.hdl], self.text):
            self.depths[found.start(2)] = found[1]
            if self.hdl == "vhdl" and found[3]:
                self.widths[found[1]] = found.start(3), tuple(v + 1 for v in self.values[found.start(3)])
        entity = re.search(r"(?s)(?:entity|module) .*?\n *\);", self.text)
        self.ports = {name for name, (place, _) in self.widths.items() if entity and place < entity.end()}

    def _join(self):
        """Find the signals whose widths must be equal."""
        for target, given in re.findall(r"(?m)^ *(?:assign )?(\w+) <?:?= (\w+);", self.text):
            self._equal(target, given)
        shapes: dict[str, list[str]] = {}
        for name in self.widths:
            if shape := shape_of(self.func, re.sub(r"_(reg|net)$", "", name)):
                shapes.setdefault(shape, []).append(name)
        for group in [*equal_widths(self.func), *shapes.values()]:
            for one in group[1:]:
                self._equal(group[0], one)
        for found in re.finditer(_INSTANCE[self.hdl], self.text):
            label, entity = (found[1], found[2]) if self.hdl == "vhdl" else (found[3], found[1])
            given, joined = (3, 4) if self.hdl == "vhdl" else (2, 4)
            actuals = dict(re.findall(_PAIR[self.hdl], found[joined]))
            ports = self.entities[entity].widths(self.hdl)
            for pair in re.finditer(_PAIR[self.hdl], found[given]):
                place = found.start(given) + pair.start(2)
                self.of_child[place] = label, entity, pair[1]
                words = [re.sub(r"\(i\)$|\[\w+\]$", "", actuals.get(p, "")) for p, g in ports.items() if g == pair[1]]
                plain = [word for word in words if word in self.widths]
                for word in plain:
                    self._equal(plain[0], word)
                    self.at_port[place] = word

    def _root(self, name):
        while name in self.same:
            name = self.same[name]
        return name

    def _equal(self, one, other):
        one, other = self._root(one), self._root(other)
        if one != other and one in self.widths and other in self.widths:
            if self.widths[one][1] == self.widths[other][1]:
                self.same[other] = one

    def written(self) -> str | None:
        """Return the text with generics, or None if a number has no source with a name."""
        result, last = [], 0
        for place in self.found:
            values = self.values[place.start()]
            if len(set(values)) == 1:
                continue
            word = self._word(place, values)
            if word is None:
                return None
            before, after = self.text[: place.start()], self.text[place.end() :]
            bare = " " not in word or (
                before.endswith(("(", "[", " to ", ", ", "=> ")) and re.match(r"\)| downto|:|,| loop| generate", after)
            )
            result += [self.text[last : place.start()], word if bare else f"({word})"]
            last = place.end()
        return "".join(result) + self.text[last:]

    def _word(self, place, values):
        """Return the expression for a number."""
        start = place.start()
        if start in self.depths:
            return self._depth(self.depths[start], values)
        for name, (at, widths) in self.widths.items():
            if at == start:
                return self._offset(self._width(name), values, widths)
        if start in self.at_port:
            name = self.at_port[start]
            return self._offset(self._width(name), values, self.widths[name][1])
        if start in self.of_child:
            return self._of_child(*self.of_child[start], values)
        return self._in_code(place, values)

    def _of_child(self, label, entity, name, values):
        """Return the expression for a generic of a sub-block."""
        given = argument(self.func, self.entities[entity].func, label, name).rpartition(".")[2]
        for own in (given, name):
            if self.facts.get(own) == values and (word := self._fact(own)):
                return word
        for key in (name, f"{label}_{name}"):
            known = self.generics.get(key)
            about = f"`{name}` of {entity}"
            if known == values and self.sources[key] == about:
                return key
            if known is None and key.lower() not in self.taken:
                return self._new(key, values, about)
        return None

    def _in_code(self, place, values):
        """Return the expression for a number in a statement."""
        begin, end = self.text.rfind("\n", 0, place.start()) + 1, self.text.find("\n", place.end())
        line = self.text[begin:end]
        names = list(dict.fromkeys(re.sub(r"_(reg|net)$", "", word) for word in re.findall(r"[A-Za-z]\w*", line)))
        signals = [word for word in re.findall(r"[A-Za-z]\w*", line) if word in self.widths]
        about = [name for name in names if name in self.widths or f"{name}_reg" in self.widths]
        size = re.search(r"(?:resize|to_signed|to_unsigned)\(.*, $", self.text[begin : place.start()])
        if size and (word := self._by_width(signals, values)):
            return word
        here = _before(self.text[begin : place.start()])
        for each, source in sorted(statements(self.func), key=lambda pair: -_alike(pair[0], about)):
            if _alike(each, about):
                near = sorted(
                    (name for name in self.facts if name in each), key=lambda name: -_fits(name, source, here)
                )
                if word := self._from(near, values):
                    return word
        if re.search(r"\bfor[ (]", line):  # over the elements of an array
            if word := self._from(ranges(self.func), values):
                return word
            for at, name in self.depths.items():
                if self._offset(None, values, self.values[at]) is not None:
                    return self._offset(self._depth(name, self.values[at]), values, self.values[at])
        return self._by_width(signals, values)

    def _by_width(self, signals, values):
        for name in signals:
            if word := self._offset(self._width(name), values, self.widths[name][1]):
                return word
        return None

    def _from(self, names, values):
        """Return an expression of one of the names, or of the widths that they come from."""
        for name in names:
            for source in [name, *sources(self.func, name)]:
                if source.startswith("len(") and source[4:-1] in self.widths:
                    width = self.widths[source[4:-1]][1]
                    for form in (self._power, self._offset):
                        if word := form(self._width(source[4:-1]), values, width):
                            return word
            if name in self.facts and abs(values[0] - self.facts[name][0]) <= MOST_APART:
                if self._offset(None, values, self.facts[name]) is not None and (own := self._fact(name)):
                    return self._offset(own, values, self.facts[name])
        return None

    def _depth(self, name, values):
        """Return the expression for the highest index of an array."""
        if word := self._from(sources(self.func, name), values):
            return word
        count, key = tuple(v + 1 for v in values), f"{name}_count"
        if key not in self.generics and key.lower() not in self.taken:
            self._new(key, count, f"elements of {name}")
        return self._offset(key, values, count) if self.generics.get(key) == count else None

    def _fact(self, name):
        """Return the generic for a number that the block was given or computes."""
        values = self.facts[name]
        if len(set(values)) == 1:
            return None
        if self.facts.get(alias_of(self.func, name)) == values:
            return self._fact(alias_of(self.func, name))
        if name.lower() == self.func.__name__:
            self.facts[f"number_of_{name}"], name = values, f"number_of_{name}"
        if self.generics.get(name) == values:
            return name
        return self._new(name, values, "") if name not in self.generics and name.lower() not in self.taken else None

    def _width(self, name):
        """Return the expression for the width of a signal."""
        name = self._root(name)
        widths = self.widths[name][1]
        group = [each for each in self.widths if self._root(each) == name]
        ports = [each for each in group if each in self.ports]
        if not ports:
            every = [s for each in group for s in sources(self.func, re.sub(r"_(reg|net)$", "", each))]
            for other in (source[4:-1] for source in every if source.startswith("len(")):
                if other in self.ports and len(set(self.widths[other][1])) > 1:
                    if word := self._offset(self._width(other), widths, self.widths[other][1]):
                        return word
            # The width of a range from 0 up to a count has no name: a number that equals it does so by chance.
            counted = re.search(r"min=0, max=(?!1 <<)", shape_of(self.func, re.sub(r"_(reg|net)$", "", group[0])))
            for source in [] if counted else every:
                if self.facts.get(source) == widths and (word := self._fact(source)):
                    return word
        key = self._common(ports) if ports else re.sub(r"_(reg|net)$", "", group[0])
        about = f"width of {', '.join(ports or group[:1])}"
        number = 1
        while True:  # a signal may have the name that the generic would have
            for name in (bits_of(key), bits_of((ports or group)[0])):
                name += f"_{number}" if number > 1 else ""
                if self.sources.get(name) == about:
                    return name
                if name not in self.generics and name.lower() not in self.taken:
                    return self._new(name, widths, about)
            number += 1

    def _common(self, ports):
        """Return the words in which the names of ports end, or the first name."""
        words = [port.split("_") for port in ports]
        count = 0
        while all(len(each) > count and each[-1 - count] == words[0][-1 - count] for each in words):
            count += 1
        first = next((group[0] for group in equal_widths(self.func) if group[0] in ports), ports[0])
        return "_".join(words[0][-count:]) if count else first

    def _new(self, name, values, about):
        self.generics[name], self.sources[name] = values, about
        return name

    def _offset(self, word: Any, values: Values, others: Values) -> str | None:
        """Return `word` plus a number by which values differ from others in all kinds; "" for none if word is None."""
        distances = {value - other for value, other in zip(values, others)}
        if len(distances) != 1 or len(set(others)) == 1:
            return None
        (by,) = distances
        more = f" {'+' if by > 0 else '-'} {abs(by)}" if by else ""
        if word is None:
            return more
        ((first, sign, number),) = re.findall(r"^(\w+)(?: ([+-]) (\d+))?$", word)
        by += int(f"{sign}{number}") if sign else 0
        return f"{first} {'+' if by > 0 else '-'} {abs(by)}" if by else first

    def _power(self, word, values, widths):
        """Return 2**(word - 1), or that less 1: the ends of a signed range."""
        for less in (0, 1):
            if word and all(value == (1 << width - 1) - less for value, width in zip(values, widths)):
                half = self._offset(word, tuple(w - 1 for w in widths), widths)
                return f"2**({half})" + " - 1" * less
        return None


def bits_of(name: str) -> str:
    """Return the name of the generic for the width of a signal."""
    return f"{name.removesuffix('_bits')}_width" if name.endswith("_bits") else f"{name}_bits"


def _alike(names, others):
    """Return how alike two sets of names are, by the share of those that are in both."""
    own = names & set(others)
    return len(own) / (len(others) + 0.01 * len(names)) if own else 0


def _before(text):
    """Return the last name and the last operator before the end of a text."""
    found = re.search(r"(\w*)[\s()']*([^\w\s()']*)[\s()]*$", text)
    return found[1], {"=": "==", "/=": "!="}.get(found[2], found[2])


def _fits(name, source, here):
    """Return how well a name in a statement of Python stands where a number stands in HDL: behind name and operator."""
    places = [_before(source[: found.start()]) for found in re.finditer(rf"\b{name}\b", source)]
    return max((sum(a == b for a, b in zip(place, here)) for place in places), default=0)
