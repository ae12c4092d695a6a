"""Lesson 10: cycles of a frame, lanes that are wasted, and an input that comes slowly."""

from .exercise import Exercise


def scan_cycles(spikes, inputs, width, empty=1, extra=0):
    cycles = 0
    for first in range(0, inputs, width):
        count = sum(first <= spike < first + width for spike in spikes)
        cycles += count + extra if count else empty + extra
    return cycles


def turns(neurons, lanes):
    return -(-neurons // lanes)


def wasteful(neurons, candidates):
    return [lanes for lanes in candidates if turns(neurons, lanes) == turns(neurons, lanes - 1)]


def last_words(added, words, word_every, gap=True, bank=1, banks=2):
    last, ends = -word_every, []
    for t in range(len(added)):
        first = last + (word_every if gap else 1)
        if bank and t >= banks:
            first = max(first, added[t - banks] + bank)
        last = first + (words - 1) * word_every
        ends.append(last)
    return ends


def dense(spikes, inputs, width):
    return inputs


EXERCISES = [
    Exercise(
        name="scan_cycles",
        cases=[
            ([700], 1024, 32),
            ([700], 1024, 8),
            ([0, 1, 2, 31, 32], 128, 32),
            ([], 64, 32),
            (list(range(64)), 64, 32),
        ],
        right=scan_cycles,
        mistakes={
            "an empty word costs a cycle too": lambda *case: scan_cycles(*case, empty=0),
            "a word with spikes costs no cycle of its own; its first spike is handed over at once": lambda *case: (
                scan_cycles(*case, empty=0, extra=1)
            ),
            "this is the naive scanner, one bit after the other": dense,
        },
        values=("number of cycles",),
        doing=lambda spikes, inputs, width: f"{len(spikes)} spikes, {inputs} inputs in words of {width}",
    ),
    Exercise(
        name="wasteful",
        cases=[(16, range(8, 17)), (10, range(2, 11)), (32, range(1, 6)), (16, [9, 12, 16])],
        right=lambda neurons, candidates: wasteful(neurons, [n for n in candidates if n > 1]),
        mistakes={
            "lanes that do not divide the neurons are not always wasted: one lane less may need another turn": lambda neurons, candidates: [
                n for n in candidates if neurons % n
            ],
            "a last turn that is not full is a turn too: round up": lambda neurons, candidates: [
                n for n in candidates if n > 1 and neurons // n == neurons // (n - 1)
            ],
            "compare with one lane less, whether that is a candidate or not": lambda neurons, candidates: [
                n for n, before in zip(candidates[1:], candidates) if turns(neurons, n) == turns(neurons, before)
            ],
            "these are the numbers that waste nothing": lambda neurons, candidates: [
                n for n in candidates if n == 1 or turns(neurons, n) != turns(neurons, n - 1)
            ],
        },
        values=("list of lanes",),
        doing=lambda neurons, candidates: f"{neurons} neurons, candidates {list(candidates)}",
    ),
    Exercise(
        name="last_words",
        cases=[([90, 200, 300, 500], 64, 1), ([300, 600, 1400, 1500], 64, 4)],
        right=last_words,
        mistakes={
            "the first word of a frame, too, comes word_every cycles after the one before": lambda *case: last_words(
                *case, gap=False
            ),
            "there are two banks: a frame waits until the frame two steps before is added": lambda *case: last_words(
                *case, bank=0
            ),
            "there are two banks: only the frame two steps before must have been added": lambda *case: last_words(
                *case, banks=1
            ),
            "the bank is free in the cycle after the last addition": lambda added, words, word_every: last_words(
                [cycle - 1 for cycle in added], words, word_every
            ),
        },
        values=("cycle",),
        axes=("step",),
        doing=lambda added, words, word_every: f"a word every {word_every} cycles",
    ),
]
