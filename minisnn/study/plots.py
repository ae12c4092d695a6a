"""Figures of a study's report, each for a wide and a narrow page.

Each drawing function takes an empty figure, a section of :func:`minisnn.study.report.gather` without ``missing``, and
`narrow`; it sets the figure's size.
"""

import io
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plot import ADDS, FIRING, WAITS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SURROGATES = {  # label, color and marker of each family
    "fast_sigmoid": ("fast sigmoid", "tab:blue", "o"),
    "atan": ("arctangent", "tab:orange", "s"),
    "sigmoid": ("sigmoid", "tab:green", "^"),
    "triangular": ("triangular", "tab:red", "D"),
}
KINDS = {  # label, color and marker of each kind of setting
    "tuned": ("surrogate and beta", "tab:blue", "s"),
    "threshold": ("threshold", "tab:gray", "o"),
    "price on cycles": ("price on cycles", "tab:green", "^"),
    "learned": ("learned leaks and thresholds", "tab:brown", "P"),
    "fewer steps": ("fewer steps", "tab:purple", "D"),
    "refit": ("trained again on all training images", "tab:red", "*"),
    "point": ("points of the sweep", "tab:blue", "o"),
}
NAMES = ("trade", "trials", "curves", "authors", "scales", "leaks", "timeline")  # sections that have a figure
LINES = ("-", "--", ":", "-.")  # of learning rates, from the lowest up
LETTERS = "ABCDEFGH"  # of selected settings, in the trade's figure and table
PAPER = (0.5, 1.5)  # beta and threshold that the paper chose
NEAR = 0.06  # accuracy; the second panel of the trade shows settings within this of the best


def figures(report: dict[str, Any]) -> dict[str, tuple[bytes, bytes]]:
    """Return (PNG for a wide page, PNG for a narrow page) of each section that has points."""
    functions = (trade, trials, curves, authors, scales, leaks, timeline)
    return {
        name: (_png(draw, report[name], False), _png(draw, report[name], True))
        for name, draw in zip(NAMES, functions, strict=True)
        if name in report and "missing" not in report[name]
    }


def _png(draw, section, narrow):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=180 if narrow else 130)
    canvas, file = FigureCanvasAgg(figure), io.BytesIO()
    draw(figure, section, narrow)
    canvas.print_png(file, metadata={"Software": None})  # equal sections give equal bytes
    return file.getvalue()


def _plain(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)


def trials(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw validation accuracy by scale and learning rate: a panel for each beta."""
    panels = section["panels"]
    count = len(panels)
    figure.set_size_inches((4.3, 2.4 * count + 0.8) if narrow else (3.2 * count + 0.8, 3.6))
    grid = figure.subplots(*((count, 1) if narrow else (1, count)), sharey=True, squeeze=False).reshape(-1)
    rates = sorted({rate for panel in panels for points in panel["series"].values() for _, rate, _ in points})
    for axes, panel in zip(grid, panels):
        for family, points in panel["series"].items():
            name, color, marker = SURROGATES[family]
            for rate, style in zip(rates, LINES):
                of_rate = sorted((scale, accuracy) for scale, of, accuracy in points if of == rate)
                if of_rate:
                    x, y = np.array(of_rate).T
                    label = f"{name}, learning rate {rate:g}"
                    axes.plot(x, 100 * y, style, color=color, marker=marker, markersize=4, label=label)
        x = sorted({scale for points in panel["series"].values() for scale, _, _ in points})
        axes.set_xscale("log", base=2)
        axes.set_xlim(x[0] / 1.3, x[-1] * 1.3)
        axes.set_xlabel("scale")
        axes.set_title(panel["title"], fontsize=11)
        _few_ticks(axes, x)
        _plain(axes)
        if narrow or axes is grid[0]:
            axes.set_ylabel("validation accuracy (%)")
    _legend(figure, grid[0])


def curves(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw firing rate and latency against accuracy: a line through all scales of each family, with intervals.

    Scales near the best come first: beside those that hardly learn, their differences cannot be seen.
    """
    figure.set_size_inches((4.3, 14.0) if narrow else (11, 8.4))
    grid = figure.subplots(*((4, 1) if narrow else (2, 2))).reshape(2, 2)
    parts = (
        ("firing_rate", 100, "firing rate (% of neurons per step)"),
        ("latency", 1e-3, "latency (thousand cycles)"),
    )
    best = max(point["accuracy"][0] for points in section["lines"].values() for point in points)
    rows = ((f"scales within {100 * NEAR:g} points of the best", best - NEAR), ("all scales", 0.0))
    for pair, (title, least) in zip(grid, rows):
        for axes, (number, factor, label) in zip(pair, parts):
            for family, points in section["lines"].items():
                _curve(axes, family, points, number, factor)
            shown = [point for points in section["lines"].values() for point in points if point["accuracy"][0] >= least]
            for of, times, limit in ((number, factor, axes.set_xlim), ("accuracy", 100, axes.set_ylim)):
                low, high = min(point[of][1] for point in shown), max(point[of][2] for point in shown)
                margin = 0.04 * (high - low) or 0.01
                limit(times * (low - margin), times * (high + margin))
            axes.set(xlabel=label, ylabel="test accuracy (%)")
            axes.set_title(title, fontsize=11)
            _plain(axes)
    _legend(figure, grid[0, 0])


def _curve(axes, family, points, number, factor, before="", **style):
    """Draw accuracy against a number as a line through the scales of a family, with intervals."""
    name, color, marker = SURROGATES[family]
    x, y = (np.array([point[of] for point in points]) for of in (number, "accuracy"))
    style = {"marker": marker, "markersize": 5, "linewidth": 1, "elinewidth": 0.8, "color": color} | style
    arms = {"xerr": factor * _arms(x), "yerr": 100 * _arms(y)}
    axes.errorbar(factor * x[:, 0], 100 * y[:, 0], **arms, **style, label=f"{before}{name}")
    for point, at_x, at_y in zip(points, factor * x[:, 0], 100 * y[:, 0]):
        scale = point["surrogate"].split(":")[1]
        axes.annotate(
            scale, (at_x, at_y), (4, 4), textcoords="offset points", fontsize=7, color=color, annotation_clip=True
        )


def authors(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw firing rate against accuracy for all scales of the authors' variant, and of our network beside them."""
    figure.set_size_inches((4.3, 4.6) if narrow else (7.6, 4.6))
    axes = figure.subplots()
    for who, lines, style in (
        ("the authors', ", section["lines"], {}),
        ("ours, ", section["ours"], {"linestyle": "--", "markerfacecolor": "white"}),
    ):
        for family, points in lines.items():
            if points:
                _curve(axes, family, points, "firing_rate", 100, who, **style)
    axes.set(xlabel="firing rate (% of neurons per step)", ylabel="test accuracy (%)")
    _plain(axes)
    _legend(figure, axes)


def _arms(found):
    """Return the lengths of error bars from rows of (value, low, high)."""
    return np.maximum(np.array([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]]), 0)


def scales(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw accuracy and firing rate by surrogate: a column for each way to compare scales."""
    panels = section["panels"]
    count = len(panels)
    figure.set_size_inches((4.3, 2.3 * 2 * count + 0.4) if narrow else (4 * count, 5.6))
    if narrow:
        grid = figure.subplots(2 * count, 1)
        pairs = [(grid[2 * i], grid[2 * i + 1]) for i in range(count)]
    else:
        grid = figure.subplots(2, count, sharey="row", squeeze=False)
        pairs = list(zip(*grid))
    for (above, below), panel in zip(pairs, panels):
        _scale_panel(above, below, panel)
        for axes, label in ((above, "test accuracy (%)"), (below, "firing rate (%)")):
            if narrow or above is pairs[0][0]:
                axes.set_ylabel(label)
    _legend(figure, pairs[0][0])


def _scale_panel(above, below, panel):
    for family, (name, color, marker) in SURROGATES.items():
        points = panel["series"].get(family)
        if not points:
            continue
        x, accuracy, rate = np.array(points).T
        above.plot(x, 100 * accuracy, color=color, marker=marker, markersize=5, label=name)
        below.plot(x, 100 * rate, color=color, marker=marker, markersize=5, label=name)
    x = sorted({point[0] for points in panel["series"].values() for point in points})
    for axes in (above, below):
        axes.set_xscale("log", base=2)
        axes.set_xlim(x[0] / 1.3, x[-1] * 1.3)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(panel["xlabel"])
        axes.tick_params(labelbottom=True)
        _few_ticks(axes, x)
        _plain(axes)
    above.set_title(panel["title"], fontsize=11)


def _few_ticks(axes, x):
    """Set ticks at powers of 2 within the data, at most seven or so."""
    low, high = np.ceil(np.log2(x[0]) - 0.01), np.floor(np.log2(x[-1]) + 0.01)
    powers = np.arange(low, high + 1, max(1, np.ceil((high - low) / 6)))
    axes.set_xticks(2.0**powers, labels=[f"{2.0**p:.3g}" if p >= 0 else f"1/{2 ** int(-p)}" for p in powers])
    axes.minorticks_off()


def _legend(figure, axes):
    """Add a legend below all axes, where it covers nothing, in as many columns as fit."""
    handles, words = axes.get_legend_handles_labels()
    words = [textwrap.fill(word, 48) for word in words]
    longest = max(len(line) for word in words for line in word.splitlines())
    columns = int(figure.get_figwidth() / (0.075 * longest + 0.6))  # inches
    figure.legend(
        handles, words, loc="outside lower center", ncols=min(max(columns, 1), len(words), 4), frameon=False, fontsize=9
    )
    for handle in figure.legends[0].legend_handles:
        if hasattr(handle, "set_markersize"):
            handle.set_markersize(min(handle.get_markersize(), 8))  # rings as large as in the figure would touch


def leaks(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw accuracy, firing rate and latency as heat maps over beta and threshold."""
    figure.set_size_inches((4.3, 9.6) if narrow else (12.6, 4.1))
    grid = figure.subplots(*((3, 1) if narrow else (1, 3)))
    parts = (
        ("accuracy", "test accuracy (%)", 100, "{:.1f}", "Blues"),
        ("firing_rate", "firing rate (% of neurons per step)", 100, "{:.1f}", "Oranges"),
        ("latency", "latency (thousand cycles)", 1e-3, "{:.1f}", "Purples"),
    )
    for axes, (name, title, factor, words, colors) in zip(grid, parts):
        values = np.array([[np.nan if v is None else factor * v for v in row] for row in section[name]], float)
        _heat_map(axes, values, words, colors)
        axes.set(
            xticks=range(len(section["thresholds"])),
            xticklabels=[f"{v:g}" for v in section["thresholds"]],
            yticks=range(len(section["betas"])),
            yticklabels=[f"{v:g}" for v in section["betas"]],
            xlabel="threshold",
            ylabel="beta",
        )
        axes.set_title(title, fontsize=11)
        beta, theta = PAPER
        if beta in section["betas"] and theta in section["thresholds"]:
            x, y = section["thresholds"].index(theta), section["betas"].index(beta)
            left, right, top, bottom = x - 0.48, x + 0.48, y - 0.47, y + 0.47
            axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color="tab:red", linewidth=1.6)


def _heat_map(axes, values, words, colors):
    """Draw values in colors that tell all but outliers apart: one network that learns nothing hides no difference."""
    quarters = np.nanpercentile(values, [25, 75])
    fences = quarters + 1.5 * np.subtract(*quarters[::-1]) * np.array([-1, 1])  # Tukey's
    low, high = max(np.nanmin(values), fences[0]), min(np.nanmax(values), fences[1])
    axes.imshow(
        values, cmap=colors, vmin=low - 0.15 * (high - low or 1), vmax=high + 0.1 * (high - low or 1), aspect="auto"
    )
    for (y, x), value in np.ndenumerate(values):
        if np.isnan(value):
            axes.text(x, y, "none", ha="center", va="center", color="0.5", fontsize=9)
        else:
            dark = (value - low) / (high - low or 1) > 0.6
            axes.text(x, y, words.format(value), ha="center", va="center", color="white" if dark else "black")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def trade(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw accuracy against latency: all settings, and those near the best, with the selected ones."""
    figure.set_size_inches((4.3, 9.4 + 0.22 * len(section["marks"])) if narrow else (12.6, 6.0))
    best = max(setting["accuracy"] for setting in section["settings"])
    near = [setting for setting in section["settings"] if setting["accuracy"] >= best - NEAR]
    grid = figure.subplots(*((2, 1) if narrow else (1, 2)))
    for axes in grid:
        _trade_panel(axes, section)
        axes.set(xlabel="latency (thousand cycles)", ylabel="test accuracy (%)")
        _plain(axes)
    grid[0].set_title("all settings", fontsize=11)
    grid[1].set_title(f"settings within {100 * NEAR:g} points of the best", fontsize=11)
    high = max(setting["accuracy_range"][1] for setting in near)
    grid[1].set_ylim(100 * (best - NEAR), 100 * high + 0.6)
    shown = [*near, *(mark for mark in section["marks"] if mark["accuracy"] >= best - NEAR)]
    x = [setting["latency"] / 1e3 for setting in shown]
    margin = 0.06 * (max(x) - min(x)) or 1
    grid[1].set_xlim(min(x) - margin, max(x) + margin)
    _legend(figure, grid[0])


def _trade_panel(axes, section):
    most = max(setting["seeds"] for setting in section["settings"])
    for kind, (name, color, marker) in KINDS.items():
        for whole in (False, True):
            group = [one for one in section["settings"] if one["kind"] == kind and (one["seeds"] == most) == whole]
            if group:
                words = "" if whole else ", one seed" if most > 1 else ""
                _settings(axes, group, color, marker, color if whole else "none", name + words)
    if section.get("early"):
        x, y = (np.array([of[name] for of in section["early"]]) for name in ("latency", "accuracy"))
        _line(axes, x[:, 0], y[:, 0], "--", "default, answer read after each step")
        axes.fill_between(x[:, 0] / 1e3, 100 * y[:, 1], 100 * y[:, 2], color="black", alpha=0.12, linewidth=0)
    if section.get("front"):
        latency, accuracy = np.array(section["front"]).T
        _line(axes, latency, accuracy, "-", "Pareto front", drawstyle="steps-post")
    for letter, mark in zip(LETTERS, section["marks"]):
        x, y = mark["latency"] / 1e3, 100 * mark["accuracy"]
        axes.plot(
            x,
            y,
            marker="o",
            markersize=14,
            markerfacecolor="none",
            markeredgecolor="tab:red",
            linestyle="none",
            markeredgewidth=1.4,
            zorder=4,
            label=f"{letter}: {mark['label']}",
        )
        axes.annotate(
            letter, (x, y), (9, -11), textcoords="offset points", color="tab:red", weight="bold", annotation_clip=True
        )


def _line(axes, latency, accuracy, style, label, **options):
    axes.plot(
        np.array(latency) / 1e3,
        100 * np.array(accuracy),
        style,
        color="black",
        linewidth=1,
        zorder=1,
        label=label,
        **options,
    )


def _settings(axes, group, color, marker, face, label):
    """Draw settings as marks, with lines for the ranges of accuracy and latency."""
    x = np.array([setting["latency"] for setting in group]) * 1e-3
    y = np.array([setting["accuracy"] for setting in group]) * 100
    ends = [
        factor * np.array([setting[f"{name}_range"] for setting in group]).T
        for name, factor in (("latency", 1e-3), ("accuracy", 100))
    ]
    style = {"fmt": "none", "ecolor": color, "elinewidth": 0.8, "alpha": 0.5, "zorder": 2}
    axes.errorbar(x, y, xerr=np.abs(ends[0] - x), yerr=np.abs(ends[1] - y), **style)
    axes.plot(
        x, y, marker, markersize=6, markerfacecolor=face, markeredgecolor=color, linestyle="none", zorder=3, label=label
    )


def timeline(figure: "Figure", section: dict[str, Any], narrow: bool = False) -> None:
    """Draw when each layer adds, waits and makes its firing pass: one panel per setting, on a common time axis."""
    parts = section["parts"]
    rows = len(parts[0]["layers"])
    figure.set_size_inches(
        (4.3, (0.6 + 0.55 * rows) * len(parts) + 1.3) if narrow else (12, (0.6 + 0.5 * rows) * len(parts) + 1.0)
    )
    grid = figure.subplots(len(parts), 1, sharex=True, squeeze=False)[:, 0]
    until = max(part["latency"] for part in parts)
    for axes, part in zip(grid, parts):
        _gantt(axes, part, until, narrow)
    grid[-1].set_xlabel("thousand clock cycles" if narrow else "thousand clock cycles since the first pixel")
    _legend(figure, grid[0])


def _gantt(axes, part, until, narrow):
    begins, added, fires, ends = (np.array(part[name]) / 1e3 for name in ("begins", "added", "fires_at", "ends"))
    kinds = (
        (begins, added, ADDS, "adds"),
        (added, fires, WAITS, "waits for the next layer"),
        (fires, ends, FIRING, "firing pass"),
    )
    for layer in range(len(begins)):
        broad = (ends - begins)[layer] * 1e3 > until / 60  # broad enough for a white line at its left
        axes.vlines(begins[layer][broad], layer - 0.36, layer + 0.36, color="white", linewidth=0.8, zorder=3)
        for start, end, color, name in kinds:
            axes.broken_barh(
                list(zip(start[layer], end[layer] - start[layer])),
                (layer - 0.36, 0.72),
                facecolors=color,
                edgecolors=color,
                linewidth=0.4,
                label=name if layer == 0 else None,
            )
        for t, (start, end) in enumerate(zip(begins[layer], ends[layer])):
            if (end - start) * 1e3 > until / (20 if narrow else 45):
                axes.text((start + end) / 2, layer, t, ha="center", va="center", fontsize=8, color="white")
    axes.axvline(part["latency"] / 1e3, color="tab:red", linewidth=1)
    axes.set(xlim=(0, until * 1.01 / 1e3), yticks=range(len(begins)), yticklabels=part["layers"])
    axes.set_title(
        f"{part['label']}: {part['latency']:,.0f} cycles" + ("\n" if narrow else ", ") + part["settings"],
        fontsize=8 if narrow else 10,
        loc="left",
    )
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", labelsize=8 if narrow else 9)
