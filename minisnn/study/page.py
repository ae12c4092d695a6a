"""A study's report as one page of HTML that needs nothing else, and the files beside it."""

import base64
from collections import Counter
from html import escape
from pathlib import Path

from ..errors import InputError
from ..files import atomic_write
from . import plots as plot_study
from .claims import EFFICIENT, HOLDS, LABELS, OPEN
from .tables import as_csv, as_json

HEADINGS = {  # of the sections, in their order
    "short": "In short",
    "scales": "(a) Surrogate and scale",
    "leaks": "(b) Beta and threshold",
    "trade": "(c) Accuracy against latency",
    "timeline": "(d) Where the cycles go",
    "power": "(e) Frames a second and watt: MODELLED, not measured",
    "claims": "(f) Claim by claim",
    "pitfalls": "(g) What known pitfalls do to the figures",
    "about": "(h) Where this is from",
    "failed": "Points that failed",
    "points": "All points",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light; }}
body {{ margin: 0 auto; padding: 0 16px 48px; max-width: 1180px; background: #fff; color: #1c1c1c;
       font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }}
h1 {{ font-size: 1.7rem; line-height: 1.25; margin: 1.2em 0 .3em; }}
h2 {{ font-size: 1.25rem; margin: 2.2em 0 .4em; padding-top: .6em; border-top: 1px solid #ddd; }}
h3 {{ font-size: 1rem; margin: 1.6em 0 .3em; }}
p, li {{ max-width: 50em; }}
img {{ display: block; width: 100%; height: auto; margin: .6em 0; }}
.wide {{ overflow-x: auto; margin: .8em 0; }}
table {{ border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3em .7em; text-align: right; vertical-align: top; border-bottom: 1px solid #e4e4e4;
         white-space: nowrap; }}
th {{ vertical-align: bottom; white-space: normal; border-bottom: 1px solid #888; }}
.l {{ text-align: left; white-space: normal; min-width: 8em; }}
.t {{ text-align: left; white-space: nowrap; min-width: 0; }}
.s {{ white-space: normal; min-width: 5em; }}
.note td {{ text-align: left; white-space: normal; color: #555; }}
.name td {{ text-align: left; white-space: normal; padding-top: .9em; border-bottom: none; }}
.note div, .name div {{ position: sticky; left: .4em; max-width: calc(100vw - 48px); }}
.good {{ color: #116329; font-weight: 600; }}
.bad {{ color: #a40e26; font-weight: 600; }}
.dim {{ color: #666; }}
code, pre {{ font: .85rem ui-monospace, "DejaVu Sans Mono", monospace; background: #f4f4f4; overflow-x: auto; }}
pre {{ padding: .6em .8em; white-space: pre-wrap; overflow-wrap: anywhere; }}
nav {{ font-size: .9rem; }}
nav a {{ margin-right: 1em; white-space: nowrap; }}
a {{ color: #0b57a4; }}
@media (max-width: 600px) {{
  body {{ font-size: 15px; }}
  h1 {{ font-size: 1.35rem; }}
  table {{ font-size: .8rem; }}
  th, td {{ padding: .3em .4em; }}
  .l {{ min-width: 6.5em; }}
  .s {{ min-width: 4em; }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
{intro}
<nav>{links}</nav>
{sections}
</body>
</html>
"""


def write(report, folder):
    """Write a report: page, figures, tables.

    Parameters
    ----------
    report : dict
        Of :func:`minisnn.study.report.gather`.
    folder : str or Path
        Made if it is not there; files of an earlier report are replaced.

    Returns
    -------
    paths : list of Path
        What was written.

    Raises
    ------
    InputError
        If it cannot be written.

    Examples
    --------
    Of a file without points. Each section that has some leaves a figure, too, such as leaks.png.

    >>> import tempfile
    >>> from minisnn.study.report import gather
    >>> from minisnn.study.store import Store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Store(f"{folder}/study.sqlite").close()
    ...     [path.name for path in write(gather(f"{folder}/study.sqlite"), f"{folder}/report")]
    ['report.html', 'results.csv', 'results.json', 'claims.json']
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; name another folder") from None
    figures = plot_study.figures(report)
    files = {
        "report.html": page(report, figures).encode(),
        "results.csv": as_csv(report["points"]).encode(),
        "results.json": as_json(report["points"]).encode(),
        "claims.json": as_json(report["claims"]).encode(),
    }
    files |= {f"{name}.png": wide for name, (wide, _) in figures.items()}
    for name in plot_study.NAMES:  # what this report has not is not left from another
        if name not in figures:
            (folder / f"{name}.png").unlink(missing_ok=True)
    for name, content in files.items():
        with atomic_write(folder / name) as file:
            file.write(content)
    return [folder / name for name in files]


def page(report, figures):
    """The text of ``report.html``.

    Parameters
    ----------
    report : dict
        Of :func:`minisnn.study.report.gather`.
    figures : dict of (bytes, bytes)
        Of :func:`minisnn.study.plots.figures`; sections without one are told in words alone.

    Returns
    -------
    text : str

    Examples
    --------
    Of a file without points: every section says what it lacks.

    >>> import tempfile
    >>> from minisnn.study.report import gather
    >>> from minisnn.study.store import Store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Store(f"{folder}/study.sqlite").close()
    ...     text = page(gather(f"{folder}/study.sqlite"), {})
    >>> "<title>Study of nothing yet" in text, "The file has no finished point." in text
    (True, True)
    """
    about = report["about"]
    title = f"Study of {about['dataset'] or 'nothing yet'}: surrogate, leak and threshold of a spiking network"
    shown = [name for name in HEADINGS if name != "failed" or report["failed"]]
    parts = {
        "short": _short,
        "scales": _scales,
        "leaks": _leaks,
        "trade": _trade,
        "timeline": _timeline,
        "power": _power,
        "claims": _claims,
        "pitfalls": _pitfalls,
        "about": _about,
        "failed": _failed,
        "points": _points,
    }
    sections = []
    for name in shown:
        missing = isinstance(report.get(name), dict) and report[name].get("missing")
        body = _paragraph(missing) if missing else parts[name](report)
        image = _image(name, figures.get(name))
        sections.append(f'<section id="{name}">\n<h2>{escape(HEADINGS[name])}</h2>\n{image}{body}\n</section>')
    links = " ".join(f'<a href="#{name}">{escape(HEADINGS[name].partition(":")[0])}</a>' for name in shown)
    return PAGE.format(title=escape(title), intro=_intro(about), links=links, sections="\n".join(sections))


def _paragraph(text):
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>" if text else ""


def _table(head, rows, left=1, tight=False):
    """A table whose first `left` columns are text, the others numbers to the right.

    Parameters
    ----------
    head : list of str
    rows : list of list
        Cells: str, or (str, class). A row of one stands across: str, a note to the row above it, or (str, "name",
        (verdict, class)), what the rows below it are of.
    left : int
    tight : bool
        Text does not break.
    """

    def cell(tag, index, content):
        text, kind = content if isinstance(content, tuple) else (content, "")
        kinds = " ".join(filter(None, [("t" if tight else "l") if index < left else "", kind]))
        return f"<{tag}{f' class={chr(34)}{kinds}{chr(34)}' if kinds else ''}>{escape(str(text))}</{tag}>"

    def line(tag, row):
        if len(row) == 1:
            text, kind, verdict = row[0] if isinstance(row[0], tuple) else (row[0], "note", ("", ""))
            word = f' <span class="{verdict[1]}">{escape(verdict[0])}</span>' if verdict[0] else ""
            return f'<tr class="{kind}"><td colspan="{len(head)}"><div>{escape(text)}{word}</div></td></tr>'
        return "<tr>" + "".join(cell(tag, index, content) for index, content in enumerate(row)) + "</tr>"

    lines = [line("th", head), *[line("td", row) for row in rows]]
    return (
        '<div class="wide"><table>\n<thead>'
        + lines[0]
        + "</thead>\n<tbody>\n"
        + "\n".join(lines[1:])
        + "\n</tbody></table></div>"
    )


def _image(name, figure):
    """A figure for both widths of page, inside it."""
    if not figure:
        return ""
    wide, narrow = ("data:image/png;base64," + base64.b64encode(png).decode() for png in figure)
    return (
        f'<picture><source media="(max-width: 600px)" srcset="{narrow}">'
        f'<img src="{wide}" alt="{escape(HEADINGS[name])}"></picture>\n'
    )


def _percent(value, digits=2):
    """A share as text."""
    return "" if value is None else f"{100 * value:.{digits}f} %"


def _whole(value):
    """A count as text."""
    return "" if value is None else f"{value:,.0f}"


def _intro(about):
    words = (
        f"{about['done']} points of {', '.join(about['topology']) or 'no network yet'} on "
        f"{about['dataset'] or 'no data yet'}. What is studied is from I. Aliyev and T. Adegbija, Fine-Tuning "
        "Surrogate Gradient Learning for Optimal Hardware Performance in Spiking Neural Networks, DATE 2024, "
        "arXiv 2402.06211. Accuracies are of the quantised network over all steps, latencies are clock cycles of "
        "the accelerator, both of all test images; energy is modelled. Choices were made on validation images."
    )
    return _paragraph(words) + _paragraph(about["note"])


def _short(report):
    claims = report["claims"]
    if "missing" in claims:
        return _paragraph(claims["missing"])
    rows = [
        ((f"{claim['group']}: {_what(claim)}", "s"), (_found(claim), "s"), _verdict(claim))
        for claim in claims["list"]
        if claim["verdict"] != OPEN
    ]
    return _paragraph(still_open(claims["list"])) + _table(["compared", "found (bar)", "verdict"], rows, left=3)


def still_open(claims):
    """How many claims lack points, in a sentence; "" if none.

    Parameters
    ----------
    claims : list of dict
        Of :func:`minisnn.study.claims.claims`.

    Returns
    -------
    words : str

    Examples
    --------
    >>> still_open([{"verdict": "holds"}, {"verdict": OPEN}])
    '1 of 2 claims are not computed yet: the study is not finished.'
    >>> still_open([{"verdict": "holds"}])
    ''
    """
    count = sum(claim["verdict"] == OPEN for claim in claims)
    return count and f"{count} of {len(claims)} claims are not computed yet: the study is not finished." or ""


def _what(claim):
    return claim["paper"] if claim["paper"] == EFFICIENT else claim["what"]


def _found(claim):
    """Means of a claim's tests, and their bars, in words."""
    return "; ".join(f"{_named(each)} {_amount(each, each['mean'])} ({_bar(each)})" for each in claim["tests"]) or "-"


def brief(claim):
    """A claim in a line.

    Parameters
    ----------
    claim : dict
        Of :func:`minisnn.study.claims.claims`.

    Returns
    -------
    found : str
        The mean of its first test; "" if it is open.
    lost : str
        Points of accuracy lost; "" if that is no part of it.
    verdict : str

    Examples
    --------
    >>> cut = {"what": "latency cut", "unit": "%", "sense": ">=", "bar": 0.48, "mean": 0.5}
    >>> lost = {"what": "accuracy lost", "unit": "points", "sense": "<=", "bar": 0.01, "mean": 0.004}
    >>> brief({"tests": [cut, lost], "verdict": "holds"})
    ('50.0 %', '0.40', 'holds')
    >>> brief({"tests": [], "verdict": OPEN})
    ('', '', 'not computed yet')
    """
    found, lost = [*[_amount(each, each["mean"]) for each in claim["tests"]], "", ""][:2]
    return found, lost, claim["verdict"]


def _named(test):
    """What a test is of, with the unit that its amounts leave out."""
    return test["what"] + ", points" * (test["unit"] == "points")


def _amount(test, value):
    """A value of a claim's test as text."""
    return {"%": f"{100 * value:.1f} %", "points": f"{100 * value:.2f}", "x": f"{value:.3f}x"}[test["unit"]]


def _bar(test):
    """The bar of a claim's test as text."""
    value = {"%": f"{100 * test['bar']:g} %", "points": f"{100 * test['bar']:g}", "x": f"{test['bar']:g}"}[test["unit"]]
    return {"<": "below ", ">": "above ", "<=": "at most ", ">=": "at least "}[test["sense"]] + value


def _verdict(claim):
    kind = "good" if claim["verdict"] == HOLDS else "dim" if not claim["tests"] else "bad"
    return claim["verdict"], f"s {kind}"


def _scales(report):
    rest = (
        "At the default's beta and threshold, without a price on firing; screening, one seed. "
        if report["about"]["plan"]
        else "Of the points that differ in the surrogate alone. "
    )
    return _paragraph(
        rest + "Scales that are equal by name are not alike: "
        "fast sigmoid's derivative has fallen to half at 0.41/k from the threshold, arctangent's at 0.64/alpha, and "
        "their heights are 1 and alpha/2. So points stand against the scale, against that half-width, and last with "
        "fast sigmoid scaled to the arctangent's height too."
    )


def _leaks(report):
    rest = (
        ", the default's best scale, without a price on firing; screening, one seed"
        if report["about"]["plan"]
        else ", of the points that differ in beta and threshold alone"
    )
    return _paragraph(
        f"With {report['leaks']['surrogate']}{rest}. Firing rates are of all neurons, so layers count by their size."
    )


def _trade(report):
    section = report["trade"]
    rows = [
        ((letter, "t"), mark["label"], _percent(mark["accuracy"]), _whole(mark["latency"]))
        for letter, mark in zip("ABCDEFGH", section["marks"])
    ]
    return (
        _paragraph(
            "A mark is a setting: mean over its seeds, with the range of accuracy as a line. Hollow: "
            "screening, one seed and fewer epochs. The Pareto front is of the test results, of all settings "
            "together, and describes: nothing was chosen by it."
        )
        + _paragraph(section["how"])
        + (_table(["", "setting", "test accuracy", "latency, cycles"], rows, left=2) if rows else "")
    )


def _timeline(report):
    section, rows = report["timeline"], []
    for part in section["parts"]:
        for index, layer in enumerate(part["layers"]):
            adds, waits, fires = (part[name][index] for name in ("adds", "waits", "fires"))
            rows.append(
                (
                    part["label"],
                    (layer, "t"),
                    str(part["lanes"][index]),
                    _whole(adds),
                    _whole(fires),
                    _whole(waits),
                    _whole(part["latency"] - adds - fires - waits),
                    _percent((adds + fires) / part["latency"], 1),
                )
            )
    return (
        _paragraph(
            "Mean over all test images of when each layer begins a step, has added, and fires; the number "
            "in a bar is the step, the red line the end of the answer. The pixels are added once, in the "
            "first step of layer 1."
        )
        + _paragraph(section["how"])
        + _table(["setting", "layer", "lanes", "adds, cycles", "fires", "waits", "idle", "busy"], rows, left=2)
    )


def _power(report):
    section = report["power"]
    rows = [
        (
            each["label"],
            _percent(each["accuracy"]),
            _whole(each["latency"]),
            f"{each['latency_us']:,.1f}",
            _whole(each["fps"]),
            f"{1e6 * each['dynamic']:.3f}",
            f"{1e6 * each['static']:.3f}",
            _whole(each["fps_per_watt"]),
            f"{each['ratio']:.3f}",
            f"{each['low']:.3f} to {each['high']:.3f}",
        )
        for each in section["lines"]
    ]
    constants = [(name, f"{value:.4g}", unit, (source, "l")) for name, value, unit, source in section["constants"]]
    return (
        _paragraph(
            f"At a clock of {section['clock_mhz']:g} MHz. Events are counted exactly from the schedule; "
            "what one costs is derived from published tables, and no board was measured. Frames a second "
            "and watt are frames a joule, images following one another without a pause. The range is how "
            "far the ratio could be from the model's, each constant for itself off by up to a factor of "
            "two."
        )
        + _paragraph(section["how"])
        + _table(
            [
                "setting",
                "test accuracy",
                "latency, cycles",
                "latency, us",
                "frames/s",
                "dynamic, uJ/image",
                "static, uJ/image",
                "FPS/W (modelled)",
                f"ratio to {section['lines'][0]['label']}",
                "its range",
            ],
            rows,
        )
        + "<h3>Constants of the model</h3>"
        + _table(["event", "energy of one", "unit", ("source", "l")], constants)
    )


def _claims(report):
    claims, parts = report["claims"]["list"], []
    for group, title in (("firing", "Firing"), ("latency", "Latency"), ("efficiency", "Efficiency (modelled)")):
        some = [claim for claim in claims if claim["group"] == group]
        said = list(dict.fromkeys(claim["paper"] for claim in some if claim["paper"]))
        parts.append(f"<h3>{escape(title)}</h3>" + "".join(_paragraph(f"The paper: {each}.") for each in said))
        parts.append(
            _table(
                ["test", "bar", "mean", "by seed", "spread", "seeds for it"],
                [line for claim in some for line in _claim_lines(claim)],
                tight=True,
            )
        )
    settled = [
        (
            name,
            _words(each["settings"]),
            _each(each["accuracy"], _percent),
            _each(each["latency"], _whole),
            _each(each["firing_rate"], _percent),
        )
        for name, each in _settled(report)
    ]
    floors = "".join(_paragraph(_floor(name, each)) for name, each in report["claims"]["floors"].items() if each)
    return (
        "\n".join(parts)
        + "<h3>What no training can save</h3>"
        + (floors or _paragraph("It is told when the default is finished, with direct coding."))
        + "<h3>What was compared, by seed</h3>"
        + _table(["name", "settings", "test accuracy", "latency, cycles", "firing rate"], settled, left=2)
    )


def _settled(report):
    return [(LABELS[name], each) for name, each in report["claims"]["settled"].items()]


def _words(settings):
    words = [
        settings["surrogate"],
        f"beta {settings['beta']}",
        f"threshold {settings['threshold']}",
        f"T {settings['num_steps']}",
    ]
    return ", ".join(words + [f"penalty {settings['rate_penalty']}"] * bool(settings["rate_penalty"]))


def _each(values, words):
    return ", ".join(map(words, values))


def _claim_lines(claim):
    """Rows of the claim table: what is compared and its verdict, one for each test, then the note."""
    lines = [((f"{_what(claim)}:", "name", _verdict(claim)),)]
    for index, test in enumerate(claim["tests"]):
        values = test["by_seed"]
        lines.append(
            (
                _named(test),
                _bar(test),
                _amount(test, test["mean"]),
                _each(values, lambda value: _amount(test, value)),
                f"{_amount(test, min(values))} to {_amount(test, max(values))}",
                f"{claim['passed']} of {claim['seeds']}" if index == 0 else "",
            )
        )
    notes = (
        [
            f"The model's ratio is from {claim['range'][0]:.3f} to {claim['range'][1]:.3f} with constants off by up "
            "to a factor of two"
        ]
        if claim["range"]
        else []
    )
    notes += [claim["note"]] if claim["note"] else []
    note = "; ".join(notes)
    return lines + ([(f"{note[0].upper()}{note[1:]}.",)] if notes else [])


def _floor(name, floor):
    return (
        f"Of the {floor['latency']:,.0f} cycles of {name}, {floor['additions']:,.0f} "
        f"({100 * floor['additions'] / floor['latency']:.1f} %) are additions of pixels in the first step of layer "
        "1. With direct coding and these lanes they are the same for every setting. With the pixels' arrival and "
        f"layer 1's own firing passes, no network can answer in fewer than {floor['whole']:,.0f} cycles at equal "
        f"T, nor in fewer than {floor['one_step']:,.0f} with a single step: the largest cuts that any training "
        f"could reach are {100 * floor['cut']:.1f} % at equal T, "
        f"{100 * floor['cut_with_steps']:.1f} % with T free."
    )


def _pitfalls(report):
    section, rows = report["pitfalls"], []
    for line in section["lines"]:
        honest, wrong = line["honest"], line["wrong"]
        cells = []
        for name, words in (("accuracy", _percent), ("latency", _whole), ("firing_rate", _percent)):
            cells += [words(honest.get(name)), words(wrong.get(name))]
        change = (
            f"{100 * (wrong['accuracy'] - honest['accuracy']):+.2f}"
            if None not in (wrong.get("accuracy"), honest.get("accuracy"))
            else ""
        )
        rows.append((line["pitfall"], line["setting"], *cells, change, str(line["seeds"])))
    head = [
        "pitfall",
        "setting",
        "accuracy",
        "with it",
        "latency, cycles",
        "with it",
        "firing rate",
        "with it",
        "accuracy, change in points",
        "seeds",
    ]
    return _table(head, rows, left=2) + _paragraph(_optimism(section["optimism"]))


def _optimism(found):
    if not found:
        return ""
    return (
        f"Selection on the test images: on {found['splits']} random halves of the {found['images']:,} test images, "
        f"the best of {found['points']} screened points seems {100 * found['mean']:.2f} points more accurate on "
        f"the half that chose it than on the other (deviation of one split {100 * found['deviation']:.2f} points)."
    )


def _about(report):
    about, plan = report["about"], report["about"]["plan"]
    rows = [
        ("data", about["dataset"]),
        ("network", ", ".join(about["topology"])),
        ("test images", ", ".join(map(str, about["test_images"]))),
        ("points", f"{about['done']} done, {about['points'] - about['done']} failed"),
        ("seeds", ", ".join(map(str, about["seeds"]))),
        ("computing time", _hours(about["seconds"]) + ", summed over workers"),
        ("clock", f"{about['clock_mhz']:g} MHz"),
        ("versions, of the report", ", ".join(f"{name} {version}" for name, version in about["versions"].items())),
    ]
    if plan:
        rows += [(f"plan: {name}", _listed(value)) for name, value in plan.items()]
    command = (
        f"<pre>{escape(str(about['command']))}</pre>"
        if about["command"]
        else _paragraph("The file does not tell the command that made it.")
    )
    return command + _table(["", ""], rows, left=2) + _paragraph(about["note"])


def _listed(value):
    """A setting of a plan as text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _hours(seconds):
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.1f} minutes"


def _failed(report):
    counts = Counter(reason for _, reason in report["failed"])
    words = f"{len(report['failed'])} points failed, for {len(counts)} reason{'s' if len(counts) > 1 else ''}."
    return _paragraph(words) + _table(["point", "reason"], report["failed"], left=2)


def _points(report):
    if not report["points"]:
        return _paragraph("The file has no point yet.")
    head = [
        "surrogate",
        "kind",
        "length",
        "beta",
        "threshold",
        "T",
        "penalty",
        "epochs",
        "seed",
        "bits",
        "validation accuracy",
        "test accuracy",
        "firing rate",
        "latency, cycles",
        "interval",
        "FPS/W (modelled)",
    ]
    rows = [
        (
            each["surrogate"],
            each["kind"],
            each["length"] or "-",
            each["beta"],
            each["threshold"],
            each["num_steps"],
            each["rate_penalty"] or "-",
            each["epochs"],
            each["seed"],
            each["weight_bits"],
            _percent(each["validation_accuracy"]),
            _percent(each["accuracy"]) or each["status"],
            _percent(each["firing_rate"]),
            _whole(each["latency"]),
            _whole(each["interval"]),
            _whole(each["modelled_fps_per_watt"]),
        )
        for each in report["points"]
    ]
    return _paragraph("More of each in results.csv and results.json beside this page.") + _table(
        head, rows, left=3, tight=True
    )
