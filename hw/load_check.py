"""The words of a load that must have a certain value: design, steps, reserved words and checksum."""

from typing import Any

from myhdl import Signal, always_comb, block, intbv

from .load_format import design_word, is_reserved, sections

ANY, DESIGN, STEPS, ZERO, CHECKSUM, BETA, MARGIN = range(7)
CHECKS = {"design": DESIGN, "steps": STEPS, "checksum": CHECKSUM, "beta": BETA, "exit margin": MARGIN}


def check_of(section: Any, spec: Any) -> int:
    """Return the check that the words of a section have to pass."""
    return ZERO if is_reserved(section, spec) else CHECKS.get(section.content, ANY)


@block
def load_check(words, value, crc, refused, spec):
    """Check of the load: it refuses that of another design, no steps or too many, a leak above 1, or damage.

    Words that are reserved must be 0, and the checksum at the end that of all beats before it.

    Parameters
    ----------
    spec : AcceleratorSpec
        Its hash names the design, and its sections say what each word is.

    Ports
    -----
    words : LoadWriter, in
        A word of section `words_section` in each cycle with `words_write`.
    value : in
        The 32 bits of the word, if it is one that controls the load.
    crc : in
        The checksum of the beats before a checksum.
    refused : out
        1 if the word of this cycle is wrong.

    Latency: combinational.
    """
    checks = tuple(check_of(section, spec) for section in sections(spec))
    most, most_gain, fits = spec.max_steps, spec.most_gain, design_word(spec)
    loads_beta, most_beta = spec.loads_beta, spec.most_beta
    fits_low, fits_high = fits & 0xFFFF, fits >> 16  # VHDL has no integers of 32 bits
    # check: what the words of the present section have to pass
    check = Signal(intbv(0, min=0, max=7))

    @always_comb
    def look_up():
        check.next = checks[int(words.section)]

    @always_comb
    def compare():
        refused.next = words.write and (
            (check == DESIGN and (value[16:] != fits_low or value[32:16] != fits_high))
            or (check == STEPS and (value == 0 or value > most))
            or (check == ZERO and value != 0)
            or (check == MARGIN and value > most_gain)
            or (loads_beta and check == BETA and value > most_beta)
            or (check == CHECKSUM and value != crc)
        )

    return look_up, compare
