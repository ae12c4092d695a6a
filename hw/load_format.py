"""The format of a load, defined here once: its sections, the word that names the design, and the checksum.

A load is one packet. Its first word names the design that it fits and its last word is a checksum of all beats before
it; between them stand the steps and the numbers of each layer. Words that control the load have 32 bits.
"""

from dataclasses import fields
from hashlib import sha256
from typing import Any, NamedTuple
from zlib import crc32

VERSION = 1  # of this format; another one gives every design another word
CONTROL_BITS = 32


class Section(NamedTuple):
    """Words of one kind: `layer` counts from 1, and is 0 for what concerns the whole network."""

    content: str
    layer: int
    words: int
    bits: int


def sections(spec: Any) -> tuple[Section, ...]:
    """Return the sections of a load, in their order."""
    result = [Section(content, 0, 1, CONTROL_BITS) for content in ("design", "steps", "exit margin")]
    for number, layer in enumerate(spec.layers, 1):
        result += layer_sections(layer, number)
    return (*result, Section("checksum", 0, 1, CONTROL_BITS))


def layer_sections(layer: Any, number: int = 0) -> tuple[Section, ...]:
    """Return the sections with the numbers of a layer, which is the `number`-th."""
    return (
        Section("weights", number, layer.weight_words, layer.weight_word_bits),
        Section("biases", number, layer.groups, layer.lanes * layer.bias_bits),
        Section("threshold", number, 1, layer.membrane_bits - 1),
        Section("beta", number, 1, CONTROL_BITS),
    )


def begin(data: Any, bits: int, load_bits: int) -> int:
    """Return the number of the first bit that a word of `bits` bits has in the loader's data.

    The loader shifts beats in from above, so a word, in whole beats, ends with the highest bit.
    """
    return len(data) - -(-bits // load_bits) * load_bits


def is_reserved(section: Section, spec: Any) -> bool:
    """Return whether a section is for a register that this design does not have; its words must be 0."""
    built_in = section.content == "beta" and spec.layers[section.layer - 1].beta is not None
    return (section.content == "exit margin" and not spec.exits) or built_in


def place(spec: Any, content: str, layer: int = 0) -> int:
    """Return the number of a section, from 0."""
    return [(section.content, section.layer) for section in sections(spec)].index((content, layer))


def beats(spec: Any) -> tuple[int, ...]:
    """Return the beats of one word of each section."""
    return tuple(-(-section.bits // spec.load_bits) for section in sections(spec))


def design_word(spec: Any) -> int:
    """Return the word that names a design: the first 32 bits of a SHA-256 of everything that is elaborated.

    That is this format's version and every number of the spec, which includes topology, padding, widths, lanes, taps,
    reset, rounding, frac, guard and beta. Weights, biases and thresholds are not in it, nor is a beta that is loaded,
    nor an option that is off by default, and is off: designs of before such an option was there keep their word.
    """
    lines = [f"minisnn load {VERSION}"]
    for number, part in enumerate((spec, *spec.layers)):
        numbers = {field.name: getattr(part, field.name) for field in fields(part) if field.name != "layers"}
        off = {field.name for field in fields(part) if field.default is False and not numbers.get(field.name)}
        lines += [f"{number} {name} {value}" for name, value in numbers.items() if name not in off]
    return int.from_bytes(sha256("\n".join(lines).encode()).digest()[:4], "big")


def checksum(load: list[int], load_bits: int) -> int:
    """Return the CRC-32 (that of zlib and Ethernet) of beats, each in whole bytes with the lowest byte first."""
    return crc32(b"".join(beat.to_bytes(-(-load_bits // 8), "little") for beat in load))
