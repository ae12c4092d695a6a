"""The part of the page on early exit: where the image ended, by which lead, and what was dropped."""

from collections.abc import Iterable
from html import escape
from itertools import groupby

import numpy as np

from ..fixed.early_exit import LOSSLESS, NEVER, leads
from .record import Exit, Record

_DROPPED = """<p class="dim">Steps below the marked one are those of the integers; the accelerator does not take them.
The float network and the gradient take all steps.</p>
<div class="wide">{}</div>
"""


def ending(record: Record) -> str:
    """Return the section as HTML, and "" for an image without early exit."""
    if record.exit is None:
        return ""
    dropped = "" if record.steps_taken == record.num_steps else _DROPPED.format(_table("dropped", *_dropped(record)))
    return f"""<section aria-labelledby="exit-title" id="exit-section">
<h2 id="exit-title">Where the image ended</h2>
<p>{_rule(record)}</p>
<p>{_what_happened(record)}</p>
<div class="wide">{_table("leads", *_leads(record))}</div>
{dropped}</section>
"""


def words(record: Record, early: Exit) -> str:
    """Return where an image with early exit ended, in a few words."""
    step = record.steps_taken - 1
    answer, lead = int(early.totals[step].argmax()), int(leads(early.totals)[step])
    limit = "lossless" if early.margin == LOSSLESS else f"margin {early.margin}"
    return f"answered after {step + 1} of {record.num_steps} steps: class {answer} leads by {lead} ({limit})"


def _rule(record):
    start = "The image ends after the first step at which the best class leads by "
    final = "so many spikes that no other class can become the answer any more"
    margin = record.exit.margin
    rule = f"{final}." if margin == LOSSLESS else f"{margin}, or by {final}."
    return f"{start}{rule} The lead is the number of spikes that any other class may gain without becoming the answer."


def _what_happened(record):
    last = f"The last beat of the answer is sent in cycle {_link('cycle', record.latency - 1)}."
    if record.steps_taken == record.num_steps:
        return f"It took all {record.num_steps} steps. {last}"
    step = record.steps_taken - 1
    return (
        f"It ended after step {_link('step', step)}; steps count from 0, so these are {step + 1} of "
        f"{record.num_steps}. From cycle {_link('cycle', record.exit.decided)} on what is left of it is dropped. "
        f"{last} After cycle {_link('cycle', record.exit.over)} nothing of it is left."
    )


def _leads(record):
    """Head, and rows of (class, cells), of the leads by step."""
    totals, steps = record.exit.totals, record.num_steps
    left = record.network.neurons_per_class * np.arange(steps - 1, -1, -1)
    rows = []
    for step, (lead, gain) in enumerate(zip(leads(totals).tolist(), left.tolist())):
        answer = int(totals[step].argmax())
        kind = "chosen" if step == record.steps_taken - 1 else "dim" if step >= record.steps_taken else ""
        ends = min(record.exit.margin, gain)
        rows.append((kind, [_link("step", step), answer, int(totals[step, answer]), lead, gain, ends]))
    return ["step", "best class", "its spikes", "lead", "another class may still gain", "the lead that ends it"], rows


def _dropped(record):
    """Head, and rows of (class, cells), of what each layer did at which steps."""
    rows = []
    for layer, shape in enumerate(each.layer for each in record.network.layers):
        begun, starts = record.begins[layer] != NEVER, record.firing_starts[layer]
        fired, clears = record.fired[layer], (starts != NEVER) & ~record.fired[layer]
        clear = ", ".join(_link("cycle", int(start) + 1) for start in starts[clears]) or "\u2013"
        steps = [_ranges(np.flatnonzero(those).tolist()) for those in (fired, begun & ~fired, ~begun)]
        rows.append(("", [escape(shape.name), *steps, clear]))
    return ["layer", "steps that count", "begun and dropped", "never begun", "clears its membranes from cycle"], rows


def _ranges(numbers: Iterable[int]) -> str:
    """Return rising numbers as text: ``0 to 2, 5``; a dash for none."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs) or "\u2013"


def _link(name, number):
    return f'<a href="#{name}={number}">{number:,}</a>'


def _table(name, head, rows):
    cells = "".join(f'<th scope="col">{text}</th>' for text in head)
    lines = [f'<tr class="{kind}">{"".join(f"<td>{cell}</td>" for cell in row)}</tr>' for kind, row in rows]
    return f'<table id="{name}"><thead><tr>{cells}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
