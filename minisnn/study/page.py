"""The page of a study: its report as one HTML file that needs no other, and the tables and figures beside it."""

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import atomic_write
from . import plots as plot_study
from .claim_words import bar, in_short, quantity, still_open, with_interval
from .claims import FAILS, HOLDS, PAPER
from .markup import TEMPLATE, Across, Cell, folded, image, paragraph, percent, table, whole, with_ends
from .sections import LABELS
from .tables import as_csv, as_json, in_words

NUMBERS = {"accuracy": percent, "firing_rate": percent, "latency": whole}
HEADS = {"accuracy": "test accuracy", "firing_rate": "firing rate", "latency": "latency, cycles"}
FIRST = ("trade", "authors")  # the most important figure of a report comes first, whichever of these it has
HEADINGS = {  # of the sections, in their order
    "short": "In short",
    "protocol": "Protocol, written before the first point was computed",
    "claims": "Claim by claim",
    "trade": "Accuracy against latency",
    "trials": "Trials of scale and learning rate",
    "curves": "Firing rate and latency against accuracy",
    "authors": "The authors' variant: firing rate against accuracy",
    "scales": "Surrogate and scale",
    "leaks": "Beta and threshold",
    "timeline": "Where the cycles go",
    "power": "Frames per second and energy: MODELLED, not measured",
    "pitfalls": "How known pitfalls change the results",
    "reached": "What was reached",
    "about": "How this was computed",
    "failed": "Failed points",
    "points": "All points",
}
GROUPS = {  # of claims
    "base": "The default",
    "latency": "Latency",
    "firing": "Firing rate",
    "efficiency": "Efficiency (modelled)",
}


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
        "claims.json": as_json(_found(report)).encode(),
    }
    files |= {f"{name}.png": wide for name, (wide, _) in figures.items()}
    for name in plot_study.NAMES:  # remove an earlier report's figures that this one lacks
        if name not in figures:
            (folder / f"{name}.png").unlink(missing_ok=True)
    for name, content in files.items():
        atomic_write(folder / name, content)
    return [folder / name for name in files]


def _found(report):
    """Return what the study found: the claims, the sentences of the first section, and the stages that it rests on."""
    claims = report["claims"]
    return claims if "missing" in claims else {"short": in_short(report), "reached": report["reached"], **claims}


def page(report: dict[str, Any], figures: dict[str, tuple[bytes, bytes]]) -> str:
    """Return the text of ``report.html``; sections without a figure in `figures` have words and tables only."""
    about = report["about"]
    what = "the authors' variant" if "authors" in report else "surrogate, leak and cycles of a spiking network"
    title = f"Study of {about['dataset'] or 'no data yet'}: {what}"
    bodies = {
        "short": _short,
        "protocol": _protocol,
        "claims": _claims,
        "trade": _trade,
        "trials": _trials,
        "curves": _curves,
        "authors": _authors,
        "scales": _scales,
        "leaks": _leaks,
        "timeline": _timeline,
        "power": _power,
        "pitfalls": _pitfalls,
        "reached": _reached,
        "about": _about,
        "failed": _failed,
        "points": _points,
    }
    shown = [name for name in HEADINGS if name in ("short", "points") or report.get(name)]
    if "authors" in report:
        shown.remove("claims")  # of cycles, all of them
    sections = []
    for name in shown:
        missing = isinstance(report.get(name), dict) and report[name].get("missing")
        body = paragraph(missing) if missing else bodies[name](report)
        own = "" if name in FIRST else name
        of = next((first for first in FIRST if first in figures), "") if name == "short" else own
        figure = image(figures.get(of), HEADINGS[name])
        heading = f"<h2>{escape(HEADINGS[name])}</h2>"
        if name == "short":  # what was found, and its figure; everything else unfolds
            sections.append(f'<section id="{name}">\n{heading}\n{body}{figure}\n</section>')
        else:
            sections.append(folded(name, heading, body + figure))
    links = " ".join(f'<a href="#{name}">{escape(HEADINGS[name].partition(":")[0])}</a>' for name in shown)
    return TEMPLATE.format(title=escape(title), intro=_intro(report), links=links, sections="\n".join(sections))


def _intro(report):
    about = report["about"]
    words = (
        f"This page reports {about['done']} points of {', '.join(about['topology']) or 'no network yet'} on "
        f"{about['dataset'] or 'no data yet'}. It follows a study by I. Aliyev and T. Adegbija: Fine-Tuning Surrogate "
        "Gradient Learning for Optimal Hardware Performance in Spiking Neural Networks, DATE 2024, arXiv 2402.06211. "
        "Accuracy is that of the quantised network after all steps"
    )
    if "authors" in report:
        words += ", on all test images."
    else:
        words += (
            "; latency is in clock cycles of the accelerator; both are measured on all test images. Energy is modelled."
        )
    return paragraph(words) + paragraph(about["note"])


def _short(report):
    claims = report["claims"]
    if "missing" in claims:
        return paragraph(claims["missing"])
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in in_short(report))
    return f"<ol>{sentences}</ol>" + paragraph(still_open(claims["list"]))


def _protocol(report):
    parts = []
    for heading, *sentences in report["protocol"]:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
        parts.append(f"<h3>{escape(heading)}</h3>\n<ul>{items}</ul>")
    return "\n".join(parts)


def _verdict(claim):
    kind = {HOLDS: "good", FAILS: "bad"}.get(claim["verdict"], "dim")
    return Cell(claim["verdict"], f"s {kind}")


def _trials(report):
    section = report["trials"]
    rows = [
        (
            f"beta {choice['beta']:g}",
            f"{choice['surrogate']}, learning rate {choice['lr']:g}",
            str(choice["epochs"]),
            percent(choice["validation_accuracy"]),
            f"{choice['second']['surrogate']}, {choice['second']['lr']:g}" if choice["second"] else "-",
            f"{100 * choice['behind']:.2f}",
            f"{100 * choice['error']:.2f}",
            Cell("tied" if choice["tied"] else "", "s"),
        )
        for choice in section["choices"]
    ]
    head = [
        "",
        "chosen",
        "epochs",
        "validation accuracy",
        "second",
        "behind, points",
        "standard error, points",
        Cell("", "s"),
    ]
    return paragraph(
        f"Each mark is a training of {section['epochs']} epochs with one seed, measured on validation images. The "
        "table has what was chosen and the next best, as means over all seeds; a second within one standard error "
        "is tied with the chosen one."
    ) + (table(head, rows, left=2) if rows else "")


def _curves(report):
    section = report["curves"]
    rows = [
        (
            point["surrogate"],
            f"{point['lr']:g}",
            *(with_ends(point[name], text) for name, text in NUMBERS.items()),
        )
        for points in section["lines"].values()
        for point in points
    ]
    words = (
        "A mark is a scale, with the learning rate that was better for it in the trials, as mean over seeds and test "
        "images; bars are intervals of 95 %."
    )
    if equal := section["equal"]:
        ratios = {name: with_ends(equal[name], "{:.2f}".format) for name in ("firing_rate", "latency")}
        words += (
            f" Of the scales with at least {percent(equal['accuracy'])}, the fast sigmoid's lowest firing rate is "
            f"{ratios['firing_rate']} times the arctangent's, and its lowest latency {ratios['latency']} times."
        )
    return paragraph(words) + table(["surrogate", "learning rate", *(HEADS[name] for name in NUMBERS)], rows)


def _authors(report):
    section = report["authors"]
    rows = [
        (
            point["surrogate"],
            with_ends(point["accuracy"], percent),
            with_ends(point["firing_rate"], percent),
            percent(point["accuracy_float"]),
            percent(point["firing_rate_float"]),
            whole(point["spikes"]),
            ", ".join(f"{100 * rate:.1f}" for rate in point["firing_rates"]) + " %",
        )
        for points in section["lines"].values()
        for point in points
    ]
    ours = [
        (
            point["surrogate"],
            with_ends(point["accuracy"], percent),
            with_ends(point["firing_rate"], percent),
            whole(point["spikes"]),
        )
        for points in section["ours"].values()
        for point in points
    ]
    words = (
        "A mark is a scale, as mean over seeds and test images, in integers; bars are intervals of 95 %. The firing "
        "rate is the number of spikes per neuron and step, over all layers. The authors' layers have one neuron for "
        "each window of their pools, and ours one for each place of it, so the rates are shares of "
        "other numbers of neurons, and the spikes of an image stand beside them."
    )
    if equal := section["equal"]:
        words += (
            f" Of the scales with at least {percent(equal['accuracy'])}, the fast sigmoid's lowest firing rate is "
            f"{with_ends(equal['firing_rate'], '{:.2f}'.format)} times the arctangent's."
        )
    numbers = ["surrogate", HEADS["accuracy"], HEADS["firing_rate"]]
    head = [*numbers, "accuracy, floats", "firing rate, floats", "spikes an image", "firing rate by layer"]
    beside = "<h3>Our network at its scales</h3>" + table([*numbers, "spikes an image"], ours) if ours else ""
    return paragraph(words) + table(head, rows) + beside


def _scales(report):
    return paragraph(
        "The points differ only in the surrogate. Equal scales do not mean equal curves. The derivative of the fast "
        "sigmoid with scale k has height 1, and falls to half of it at a distance of 0.41/k from the threshold, its "
        "half-width. That of the arctangent with scale alpha has height alpha/2 and half-width 0.64/alpha."
    )


def _leaks(report):
    section = report["leaks"]
    points = f"All points use {section['surrogate']}; they differ only in beta and threshold."
    if "lr" in section:
        points = (
            f"All cells use the default's {section['surrogate']} and its learning rate {section['lr']:g}; they are "
            f"means over {section['seeds']} seeds. A threshold here is also another scale and learning rate, as the "
            "protocol says; the trials tune these two at threshold 1."
        )
    beta, theta = plot_study.PAPER
    if beta in section["betas"] and theta in section["thresholds"]:
        points += f" The red frame is the paper's own point, beta {beta:g} and threshold {theta:g}."
    return paragraph(f"{points} The firing rate is the number of spikes per neuron and step, over all layers.")


def _trade(report):
    section = report["trade"]
    rows = [
        (
            Cell(letter, "t"),
            mark["label"],
            mark.get("settings", ""),
            percent(mark["accuracy"]),
            whole(mark["latency"]),
        )
        for letter, mark in zip(plot_study.LETTERS, section["marks"])
    ]
    early = [
        (str(step), with_ends(of["accuracy"], percent), with_ends(of["latency"], whole))
        for step, of in enumerate(section.get("early", []), start=1)
    ]
    if report["protocol"]:
        words = (
            "Each mark of the first figure is a setting in full length; hollow marks have one seed. Bars are "
            "intervals. The dashed line is the default itself, its answer read after each step: what anything else "
            "has to beat."
        )
    else:
        words = (
            "Each mark of the first figure is a setting: the mean over its seeds, with a line for their range. The "
            f"Pareto front is that of the test results; no setting was chosen by it. {section['how']}"
        )
    head = [Cell("", "t"), "setting", "", "test accuracy", "latency, cycles"]
    return (
        paragraph(words)
        + (table(head, rows, left=3) if rows else "")
        + ("<h3>The default, read after fewer steps</h3>" if early else "")
        + (table(["answer after step", "test accuracy", "latency, cycles"], early) if early else "")
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
        "memory, logic, static",
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
            ", ".join(f"{100 * share:.0f}" for share in line["shares"].values()) + " %",
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
            "constant of the model were wrong by a factor of up to two, with any seed of each setting."
        )
        + paragraph(section["how"])
        + table(head, rows)
        + "<h3>Constants of the model</h3>"
        + table(["event", "energy per event", "unit", Cell("source", "l")], constants)
    )


def _claims(report):
    claims = report["claims"]
    groups = [
        _claim_group(group, [claim for claim in claims["list"] if claim["group"] == group])
        for group in GROUPS
        if any(claim["group"] == group for claim in claims["list"])
    ]
    floors = "".join(paragraph(_floor(name, floor)) for name, floor in claims["floors"].items() if floor)
    selected = [
        (
            name,
            ", ".join(filter(None, [in_words(setting["settings"], "learning rate"), setting["read"]])),
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


def _claim_group(group, claims):
    rows = []
    for claim in claims:
        rows.append(Across(f"{claim['what']}:", "name", _verdict(claim)))
        rows += [(quantity(test), bar(test), with_interval(test), test["verdict"]) for test in claim["tests"]]
        if claim["note"]:
            rows.append(Across(f"{claim['note'][0].upper()}{claim['note'][1:]}.", "note"))
    said = paragraph(f"The paper says: {PAPER[group]}.") if group in PAPER else ""
    head = ["test", "bar", "result (interval)", "verdict"]
    return f"<h3>{escape(GROUPS[group])}</h3>" + said + table(head, rows, tight=True)


def _listed_by_seed(values, text):
    return ", ".join(map(text, values))


def _reached(report):
    section = report["reached"]
    rows = [(name, str(there), "-" if total is None else str(total)) for name, there, total in section["stages"]]
    words = f"Not everything was reached: {section['lacks']}." if section["lacks"] else "All stages are complete."
    return paragraph(words) + table(["stage", "points there", "points"], rows)


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
    return paragraph(words) + table(head, rows, left=2)


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
        "beta",
        "threshold",
        "learning rate",
        "T",
        "cycle penalty",
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
            point["beta"],
            point["threshold"],
            f"{point['lr']:g}",
            point["num_steps"],
            point["cycle_penalty"] or "-",
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
        head, rows, left=2, tight=True
    )
