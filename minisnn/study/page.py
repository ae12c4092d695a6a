"""The page of a study: its report as one HTML file that needs no other, and the tables and figures beside it."""

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import atomic_write
from . import plots as plot_study
from .claim_words import amount, bar, quantity, results, still_open, subject
from .claims import FAILS, HOLDS, LABELS, OPEN
from .markup import TEMPLATE, Across, Cell, image, paragraph, percent, table, whole
from .tables import as_csv, as_json

HEADINGS = {  # of the sections, in their order
    "short": "In short",
    "scales": "(a) Surrogate and scale",
    "leaks": "(b) Beta and threshold",
    "trade": "(c) Accuracy against latency",
    "timeline": "(d) Where the cycles go",
    "power": "(e) Frames per second and energy: MODELLED, not measured",
    "claims": "(f) Claim by claim",
    "pitfalls": "(g) How known pitfalls change the results",
    "about": "(h) How this was computed",
    "failed": "Failed points",
    "points": "All points",
}


GROUPS = {"firing": "Firing rate", "latency": "Latency", "efficiency": "Efficiency (modelled)"}  # of claims


def write(report: dict[str, Any], folder: str | Path) -> list[Path]:
    """Write the page, figures and tables of a report to a folder; return the paths of the files.

    The folder is created if it does not exist; files of an earlier report are replaced. Raise InputError if it cannot
    be written.
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
    for name in plot_study.NAMES:  # remove an earlier report's figures that this one lacks
        if name not in figures:
            (folder / f"{name}.png").unlink(missing_ok=True)
    for name, content in files.items():
        atomic_write(folder / name, content)
    return [folder / name for name in files]


def page(report: dict[str, Any], figures: dict[str, tuple[bytes, bytes]]) -> str:
    """Return the text of ``report.html``; sections without a figure in `figures` have words and tables only."""
    about = report["about"]
    title = f"Study of {about['dataset'] or 'no data yet'}: surrogate, leak and threshold of a spiking network"
    shown = [name for name in HEADINGS if name != "failed" or report["failed"]]
    bodies = {
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
        body = paragraph(missing) if missing else bodies[name](report)
        figure = image(figures.get(name), HEADINGS[name])
        sections.append(f'<section id="{name}">\n<h2>{escape(HEADINGS[name])}</h2>\n{figure}{body}\n</section>')
    links = " ".join(f'<a href="#{name}">{escape(HEADINGS[name].partition(":")[0])}</a>' for name in shown)
    return TEMPLATE.format(title=escape(title), intro=_intro(about), links=links, sections="\n".join(sections))


def _intro(about):
    words = (
        f"This page reports {about['done']} points of {', '.join(about['topology']) or 'no network yet'} on "
        f"{about['dataset'] or 'no data yet'}. It repeats a study by I. Aliyev and T. Adegbija: Fine-Tuning Surrogate "
        "Gradient Learning for Optimal Hardware Performance in Spiking Neural Networks, DATE 2024, arXiv 2402.06211. "
        "Accuracy is that of the quantised network after all steps; latency is in clock cycles of the accelerator; "
        "both are measured on all test images. Energy is modelled. Settings were chosen on validation images."
    )
    return paragraph(words) + paragraph(about["note"])


def _short(report):
    claims = report["claims"]
    if "missing" in claims:
        return paragraph(claims["missing"])
    words = (
        "A claim holds if its results pass all their bars in every seed; the means over the seeds are shown. Claims "
        "about firing rates compare the fast sigmoid with the arctangent. The other claims compare a default with the "
        "fastest setting that loses little accuracy; they list what may differ between the two: beta, threshold, the "
        'surrogate with its scale, a rate penalty ("penalty"), or the number of steps (T). Section (f) has the details.'
    )
    rows = []
    for group, title in GROUPS.items():
        closed = [claim for claim in claims["list"] if claim["group"] == group and claim["verdict"] != OPEN]
        rows += [Across(f"{title}:", "name")] if closed else []
        rows += [(Cell(subject(claim), "s"), Cell(results(claim), "s"), _verdict(claim)) for claim in closed]
    return (
        paragraph(still_open(claims["list"]))
        + paragraph(words)
        + table(["claim", "result (bar)", "verdict"], rows, left=3)
    )


def _verdict(claim):
    kind = {HOLDS: "good", FAILS: "bad"}.get(claim["verdict"], "dim")
    return Cell(claim["verdict"], f"s {kind}")


def _scales(report):
    points = (
        "All points have the default's beta and threshold and no rate penalty; they are from the screening, with one "
        "seed. "
        if report["about"]["plan"]
        else "The points differ only in the surrogate. "
    )
    return paragraph(
        points
        + "Equal scales do not mean equal curves. The derivative of the fast sigmoid with scale k has height 1, and "
        "falls to half of it at a distance of 0.41/k from the threshold, its half-width. That of the arctangent with "
        "scale alpha has height alpha/2 and half-width 0.64/alpha. The columns therefore show accuracy and firing rate "
        "by scale, by half-width, and by half-width with fast sigmoids scaled to the arctangent's height."
    )


def _leaks(report):
    surrogate = report["leaks"]["surrogate"]
    if report["about"]["plan"]:
        points = (
            f"All points use {surrogate}, the fast sigmoid at its best scale, without a rate penalty; they are from "
            "the screening, with one seed."
        )
    else:
        points = f"All points use {surrogate}; they differ only in beta and threshold."
    return paragraph(f"{points} The firing rate is the number of spikes per neuron and step, over all layers.")


def _trade(report):
    section = report["trade"]
    rows = [
        (Cell(letter, "t"), mark["label"], percent(mark["accuracy"]), whole(mark["latency"]))
        for letter, mark in zip(plot_study.LETTERS, section["marks"])
    ]
    return (
        paragraph(
            "Each mark is a setting: the mean over its seeds, with a line for the range of accuracy. Hollow marks are "
            "from the screening, with one seed and fewer epochs. The Pareto front is that of the test results of all "
            "settings; it is shown for comparison, and no setting was chosen by it."
        )
        + paragraph(section["how"])
        + (table([Cell("", "t"), "setting", "test accuracy", "latency, cycles"], rows, left=2) if rows else "")
    )


def _timeline(report):
    section, rows = report["timeline"], []
    for part in section["parts"]:
        for index, layer in enumerate(part["layers"]):
            adds, waits, fires = (part[name][index] for name in ("adds", "waits", "fires"))
            rows.append(
                (
                    part["label"],
                    Cell(layer, "t"),
                    str(part["lanes"][index]),
                    whole(adds),
                    whole(fires),
                    whole(waits),
                    whole(part["latency"] - adds - fires - waits),
                    percent((adds + fires) / part["latency"], 1),
                )
            )
    head = [
        "setting",
        "layer",
        "lanes",
        "adds, cycles",
        "firing passes, cycles",
        "waits, cycles",
        "idle, cycles",
        "busy",
    ]
    return (
        paragraph(
            "Bars show when each layer adds its inputs and makes its firing pass, as means over all test images. The "
            "number in a bar is the step, counted from 0; the red line is the latency. The pixels are added only once, "
            "in step 0 of layer 1. A layer waits while the next layer has no free bank for its spikes; it is idle "
            "while it has nothing to do, and busy while it adds or makes a firing pass."
        )
        + paragraph(section["how"])
        + table(head, rows, left=2)
    )


def _power(report):
    section = report["power"]
    head = [
        "setting",
        "test accuracy",
        "latency, cycles",
        "latency, µs",
        "frames/s",
        "dynamic energy, µJ/image",
        "static energy, µJ/image",
        "FPS/W (modelled)",
        f"FPS/W, ratio to {section['lines'][0]['label']}",
        "range of the ratio",
    ]
    rows = [
        (
            line["label"],
            percent(line["accuracy"]),
            whole(line["latency"]),
            f"{line['latency_us']:,.1f}",
            whole(line["fps"]),
            f"{1e6 * line['dynamic']:.3f}",
            f"{1e6 * line['static']:.3f}",
            whole(line["fps_per_watt"]),
            f"{line['ratio']:.3f}",
            f"{line['low']:.3f} to {line['high']:.3f}",
        )
        for line in section["lines"]
    ]
    constants = [(name, f"{value:.4g}", unit, Cell(source, "l")) for name, value, unit, source in section["constants"]]
    return (
        paragraph(
            f"The clock is {section['clock_mhz']:g} MHz. Events are counted exactly; the energy of an event is derived "
            "from published tables, and no board was measured. FPS/W, frames per second per watt, is the number of "
            "frames per joule; images follow without a pause. The range of a ratio shows how far it could move if each "
            "constant of the model were wrong by a factor of up to two."
        )
        + paragraph(section["how"])
        + table(head, rows)
        + "<h3>Constants of the model</h3>"
        + table(["event", "energy per event", "unit", Cell("source", "l")], constants)
    )


def _claims(report):
    claims = report["claims"]
    groups = [
        _claim_group(title, [claim for claim in claims["list"] if claim["group"] == group])
        for group, title in GROUPS.items()
    ]
    floors = "".join(paragraph(_floor(name, floor)) for name, floor in claims["floors"].items() if floor)
    selected = [
        (
            LABELS[name],
            _words(setting["settings"]),
            _listed_by_seed(setting["accuracy"], percent),
            _listed_by_seed(setting["latency"], whole),
            _listed_by_seed(setting["firing_rate"], percent),
        )
        for name, setting in claims["settled"].items()
    ]
    return (
        "\n".join(groups)
        + "<h3>Cycles that no training can save</h3>"
        + (floors or paragraph("This is computed when the default is finished, with direct coding."))
        + "<h3>Settings compared, results by seed</h3>"
        + table(["name", "settings", "test accuracy", "latency, cycles", "firing rate"], selected, left=2)
    )


def _claim_group(title, claims):
    sentences = dict.fromkeys(claim["paper"] for claim in claims if claim["paper"])
    head = ["test", "bar", "mean", "by seed", "range", "seeds passing"]
    rows = [row for claim in claims for row in _claim_rows(claim)]
    said = "".join(paragraph(f"The paper says: {sentence}.") for sentence in sentences)
    return f"<h3>{escape(title)}</h3>" + said + table(head, rows, tight=True)


def _claim_rows(claim):
    """Rows of a claim: what it compares and its verdict, one row per test, and the note."""
    rows = [Across(f"{subject(claim)}:", "name", _verdict(claim))]
    for index, test in enumerate(claim["tests"]):
        values = test["by_seed"]
        rows.append(
            (
                quantity(test),
                bar(test),
                amount(test, test["mean"]),
                _listed_by_seed(values, lambda value: amount(test, value)),
                f"{amount(test, min(values))} to {amount(test, max(values))}",
                f"{claim['passed']} of {claim['seeds']}" if index == 0 else "",
            )
        )
    notes = []
    if claim["range"]:
        low, high = claim["range"]
        notes.append(f"with constants wrong by a factor of up to two, the ratio is {low:.3f} to {high:.3f}")
    if claim["note"]:
        notes.append(claim["note"])
    text = "; ".join(notes)
    return rows + ([Across(f"{text[0].upper()}{text[1:]}.", "note")] if text else [])


def _words(settings):
    words = [
        settings["surrogate"],
        f"beta {settings['beta']}",
        f"threshold {settings['threshold']}",
        f"T {settings['num_steps']}",
    ]
    if settings["rate_penalty"]:
        words.append(f"penalty {settings['rate_penalty']}")
    return ", ".join(words)


def _listed_by_seed(values, text):
    return ", ".join(map(text, values))


def _floor(name, floor):
    return (
        f"{name[0].upper()}{name[1:]}: of its {floor['latency']:,.0f} cycles, {floor['additions']:,.0f} "
        f"({100 * floor['additions'] / floor['latency']:.1f} %) are additions of pixels in step 0 of layer 1. With "
        "direct coding and these lanes, they are the same for every setting. Together with the arrival of the pixels "
        f"and the firing passes of layer 1, they take at least {floor['whole']:,.0f} cycles with equal T, and "
        f"{floor['one_step']:,.0f} with a single step. So no training can cut the latency by more than "
        f"{100 * floor['cut']:.1f} % with equal T, or {100 * floor['cut_with_steps']:.1f} % with any T."
    )


def _pitfalls(report):
    section, rows = report["pitfalls"], []
    for line in section["lines"]:
        right, wrong = line["honest"], line["wrong"]
        cells = []
        for name, text in (("accuracy", percent), ("latency", whole), ("firing_rate", percent)):
            cells += [text(right.get(name)), text(wrong.get(name))]
        has_both = None not in (wrong.get("accuracy"), right.get("accuracy"))
        change = f"{100 * (wrong['accuracy'] - right['accuracy']):+.2f}" if has_both else ""
        rows.append((line["pitfall"], LABELS.get(line["setting"], line["setting"]), *cells, change, str(line["seeds"])))
    head = [
        "pitfall",
        "setting",
        "accuracy",
        "with the pitfall",
        "latency, cycles",
        "with the pitfall",
        "firing rate",
        "with the pitfall",
        "accuracy, change in points",
        "seeds",
    ]
    words = "Each line compares results without a mistake with the results that the mistake gives, on the test images."
    return paragraph(words) + table(head, rows, left=2) + paragraph(_optimism(section["optimism"]))


def _optimism(bias):
    if not bias:
        return ""
    return (
        f"Selecting a point on the test images flatters it: over {bias['splits']} random splits of the "
        f"{bias['images']:,} test images into halves, the best of {bias['points']} screened points is on average "
        f"{100 * bias['mean']:.2f} points more accurate on the half that selected it than on the other (standard "
        f"deviation over splits {100 * bias['deviation']:.2f} points)."
    )


def _about(report):
    about, plan = report["about"], report["about"]["plan"]
    rows = [
        ("data", about["dataset"]),
        ("network", ", ".join(about["topology"])),
        ("test images", ", ".join(map(str, about["test_images"]))),
        ("points", f"{about['done']} done, {about['points'] - about['done']} failed"),
        ("seeds", ", ".join(map(str, about["seeds"]))),
        ("computing time", _duration(about["seconds"]) + ", summed over workers"),
        ("clock", f"{about['clock_mhz']:g} MHz"),
        ("versions that made this page", ", ".join(f"{name} {version}" for name, version in about["versions"].items())),
    ]
    if plan:
        rows += [(f"plan: {name}", _plan_value(value)) for name, value in plan.items()]
    command = (
        f"<pre>{escape(str(about['command']))}</pre>"
        if about["command"]
        else paragraph("The file does not contain the command that made it.")
    )
    return command + table(["", ""], rows, left=2) + paragraph(about["note"])


def _plan_value(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _duration(seconds):
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.1f} minutes"


def _failed(report):
    count, reasons = len(report["failed"]), Counter(reason for _, reason in report["failed"])
    words = (
        f"{count} point{'s' if count > 1 else ''} failed, for {len(reasons)} reason{'s' if len(reasons) > 1 else ''}."
    )
    return paragraph(words) + table(["point", "reason"], report["failed"], left=2)


def _points(report):
    if not report["points"]:
        return paragraph("The file has no point yet.")
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
        "interval, cycles",
        "FPS/W (modelled)",
    ]
    rows = [
        (
            point["surrogate"],
            point["kind"],
            point["length"] or "-",
            point["beta"],
            point["threshold"],
            point["num_steps"],
            point["rate_penalty"] or "-",
            point["epochs"],
            point["seed"],
            point["weight_bits"],
            percent(point["validation_accuracy"]),
            percent(point["accuracy"]) or point["status"],
            percent(point["firing_rate"]),
            whole(point["latency"]),
            whole(point["interval"]),
            whole(point["modelled_fps_per_watt"]),
        )
        for point in report["points"]
    ]
    return paragraph("The files results.csv and results.json beside this page have more columns.") + table(
        head, rows, left=3, tight=True
    )
