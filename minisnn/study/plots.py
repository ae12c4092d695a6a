"""Figures of a study's report: each drawn from a section of ``report``, for a wide page or a narrow one."""

import io
import textwrap

import numpy as np

from ..plot import ADDS, FIRING, WAITS

FAMILIES = {
    "fast_sigmoid": ("fast sigmoid", "tab:blue", "o"),
    "atan": ("arctangent", "tab:orange", "s"),
    "sigmoid": ("sigmoid", "tab:green", "^"),
    "triangular": ("triangular", "tab:red", "D"),
}
KINDS = {
    "surrogate": ("surrogate and scale", "tab:gray", "o"),
    "beta, threshold": ("beta, threshold", "tab:blue", "s"),
    "rate penalty": ("rate penalty", "tab:green", "^"),
    "fewer steps": ("fewer steps", "tab:purple", "D"),
    "point": ("points of the sweep", "tab:blue", "o"),
}
NAMES = ("scales", "leaks", "trade", "timeline")  # of the sections that have a figure
NEAR = 0.06  # of accuracy below the best, that the second panel of the trade shows


def figures(report):
    """All figures for which there are points.

    Parameters
    ----------
    report : dict
        Of :func:`minisnn.study.report.gather`.

    Returns
    -------
    figures : dict of (bytes, bytes)
        By section: PNG for a wide page, and for a narrow one.

    Examples
    --------
    >>> leaks = {"betas": [0.25, 0.7], "thresholds": [0.5, 1.0], "accuracy": [[0.9, 0.91], [0.92, None]],
    ...          "firing_rate": [[0.1, 0.08], [0.2, None]], "latency": [[900.0, 800.0], [1200.0, None]]}
    >>> missing = {"missing": "At least two points are needed."}
    >>> drawn = figures({"scales": missing, "leaks": leaks, "trade": missing, "timeline": missing})
    >>> {name: (wide[:4], narrow[:4]) for name, (wide, narrow) in drawn.items()}
    {'leaks': (b'\\x89PNG', b'\\x89PNG')}
    """
    drawn = {"scales": scales, "leaks": leaks, "trade": trade, "timeline": timeline}
    return {
        name: (_png(draw, report[name], False), _png(draw, report[name], True))
        for name, draw in drawn.items()
        if "missing" not in report[name]
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


def scales(figure, section, narrow=False):
    """Accuracy and firing rate by the surrogate's scale or half-width, a panel for each way of comparing.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Empty; its size is set.
    section : dict
        Of :func:`minisnn.study.report.gather`, without ``missing``.
    narrow : bool
        For a narrow page: one panel below the other.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(layout="constrained")
    >>> series = {"fast_sigmoid": [(1, 0.90, 0.12), (4, 0.92, 0.10)], "atan": [(1, 0.91, 0.15), (4, 0.92, 0.13)]}
    >>> scales(figure, {"panels": [{"title": "as named", "xlabel": "scale", "series": series}]})
    >>> [line.get_ydata().round(1).tolist() for line in figure.axes[1].lines]  # firing rates in per cent
    [[12.0, 10.0], [15.0, 13.0]]
    """
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
    for family, (name, color, marker) in FAMILIES.items():
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
    """Powers of 2 within the data, no more than some seven."""
    low, high = np.ceil(np.log2(x[0]) - 0.01), np.floor(np.log2(x[-1]) + 0.01)
    powers = np.arange(low, high + 1, max(1, np.ceil((high - low) / 6)))
    axes.set_xticks(2.0**powers, labels=[f"{2.0**p:.3g}" if p >= 0 else f"1/{2 ** int(-p)}" for p in powers])
    axes.minorticks_off()


def _legend(figure, axes):
    """Below all axes, where it covers nothing, in as many columns as fit."""
    handles, words = axes.get_legend_handles_labels()
    words = [textwrap.fill(word, 48) for word in words]
    longest = max(len(line) for word in words for line in word.splitlines())
    columns = int(figure.get_figwidth() / (0.075 * longest + 0.6))  # inches
    figure.legend(
        handles, words, loc="outside lower center", ncols=min(max(columns, 1), len(words), 4), frameon=False, fontsize=9
    )
    for handle in figure.legends[0].legend_handles:
        if hasattr(handle, "set_markersize"):
            handle.set_markersize(min(handle.get_markersize(), 8))  # rings of the figure's size would touch


def leaks(figure, section, narrow=False):
    """Heat maps over beta and threshold, the number in each cell.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Empty; its size is set.
    section : dict
        Of :func:`minisnn.study.report.gather`, without ``missing``.
    narrow : bool
        For a narrow page: one panel below the other.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(layout="constrained")
    >>> leaks(figure, {"betas": [0.25, 0.7], "thresholds": [0.5, 1.0], "accuracy": [[0.9, 0.91], [0.92, None]],
    ...                "firing_rate": [[0.1, 0.08], [0.2, None]], "latency": [[900, 800], [1200, None]]})
    >>> [text.get_text() for text in figure.axes[0].texts]  # accuracy; the last point was not computed
    ['90.0', '91.0', '92.0', 'none']
    """
    figure.set_size_inches((4.3, 9.6) if narrow else (12.6, 4.1))
    grid = figure.subplots(*((3, 1) if narrow else (1, 3)))
    parts = (
        ("accuracy", "test accuracy (%)", 100, "{:.1f}", "Blues"),
        ("firing_rate", "firing rate (% of neurons in a step)", 100, "{:.1f}", "Oranges"),
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


def _heat_map(axes, values, words, colors):
    low, high = np.nanmin(values), np.nanmax(values)
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


def trade(figure, section, narrow=False):
    """Accuracy against latency: all settings, and those near the best; the front and what is chosen.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Empty; its size is set.
    section : dict
        Of :func:`minisnn.study.report.gather`, without ``missing``.
    narrow : bool
        For a narrow page: one panel below the other.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(layout="constrained")
    >>> settings = [{"kind": "point", "length": "", "latency": latency, "accuracy": accuracy,
    ...              "accuracy_range": (accuracy - 0.01, accuracy + 0.01)} for latency, accuracy in (
    ...              (800.0, 0.88), (1000.0, 0.90), (1100.0, 0.89))]
    >>> front = [(800.0, 0.88), (1000.0, 0.90)]  # the third is slower and less accurate than the second
    >>> trade(figure, {"settings": settings, "front": front, "marks": [
    ...     {"label": "most accurate", "latency": 1000.0, "accuracy": 0.90}]})
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['points of the sweep', 'Pareto front', 'A: most accurate']
    """
    figure.set_size_inches((4.3, 9.4 + 0.22 * len(section["marks"])) if narrow else (12.6, 6.0))
    best = max(each["accuracy"] for each in section["settings"])
    near = [each for each in section["settings"] if each["accuracy"] >= best - NEAR]
    grid = figure.subplots(*((2, 1) if narrow else (1, 2)))
    for axes in grid:
        _trade_panel(axes, section)
        axes.set(xlabel="latency (thousand cycles)", ylabel="test accuracy (%)")
        _plain(axes)
    grid[0].set_title("all settings", fontsize=11)
    grid[1].set_title(f"those within {100 * NEAR:g} points of the best", fontsize=11)
    high = max(each["accuracy_range"][1] for each in near)
    grid[1].set_ylim(100 * (best - NEAR), 100 * high + 0.6)
    x = [each["latency"] / 1e3 for each in near]
    margin = 0.06 * (max(x) - min(x)) or 1
    grid[1].set_xlim(min(x) - margin, max(x) + margin)
    _legend(figure, grid[0])


def _trade_panel(axes, section):
    for kind, (name, color, marker) in KINDS.items():
        for length, face in (("screening", "none"), ("full length", color), ("", color)):
            some = [each for each in section["settings"] if each["kind"] == kind and each["length"] == length]
            if some:
                _settings(axes, some, color, marker, face, f"{name}, {length}" if length else name)
    x, y = zip(*section["front"])
    axes.plot(
        np.array(x) / 1e3,
        100 * np.array(y),
        color="black",
        linewidth=1,
        drawstyle="steps-post",
        zorder=1,
        label="Pareto front",
    )
    for letter, mark in zip("ABCDEFGH", section["marks"]):
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


def _settings(axes, some, color, marker, face, label):
    x, y = (np.array([each[name] for each in some]) * factor for name, factor in (("latency", 1e-3), ("accuracy", 100)))
    ranges = np.array([each["accuracy_range"] for each in some]).T * 100
    axes.errorbar(x, y, yerr=np.abs(ranges - y), fmt="none", ecolor=color, elinewidth=0.8, alpha=0.5, zorder=2)
    axes.plot(
        x, y, marker, markersize=6, markerfacecolor=face, markeredgecolor=color, linestyle="none", zorder=3, label=label
    )


def timeline(figure, section, narrow=False):
    """What each layer does over time, mean of all test images: one setting above the other on one axis of time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Empty; its size is set.
    section : dict
        Of :func:`minisnn.study.report.gather`, without ``missing``.
    narrow : bool
        For a narrow page: one panel below the other.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(layout="constrained")
    >>> timeline(figure, {"parts": [{"label": "default", "settings": "beta 0.5", "latency": 60.0, "layers": ["1 2"],
    ...     "begins": [[1, 12]], "added": [[9, 20]], "fires_at": [[9, 20]], "ends": [[12, 23]]}]})
    >>> figure.axes[0].get_title(loc="left")
    'default: 60 cycles, beta 0.5'
    """
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
        (fires, ends, FIRING, "fires"),
    )
    for layer in range(len(begins)):
        broad = (ends - begins)[layer] * 1e3 > until / 60  # enough to lose a line at its left
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
                axes.text((start + end) / 2, layer, t + 1, ha="center", va="center", fontsize=8, color="white")
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
