"""Figures of a report show the numbers of their sections."""

import pytest
from matplotlib.figure import Figure

from minisnn.study import plots
from minisnn.surrogate import FAMILIES

LEAKS = {
    "betas": [0.25, 0.7],
    "thresholds": [0.5, 1.0],
    "accuracy": [[0.9, 0.91], [0.92, None]],
    "firing_rate": [[0.1, 0.08], [0.2, None]],
    "latency": [[900.0, 800.0], [1200.0, None]],
}


@pytest.fixture
def figure():
    return Figure(layout="constrained")


def test_only_sections_with_points_are_drawn():
    missing = {"missing": "This needs at least two points."}
    drawn = plots.figures({"scales": missing, "leaks": LEAKS, "trade": missing, "timeline": missing})
    assert list(drawn) == ["leaks"]
    assert all(png.startswith(b"\x89PNG") for png in drawn["leaks"]) and drawn["leaks"][0] != drawn["leaks"][1]


@pytest.mark.parametrize("narrow", [False, True])
def test_scales(figure, narrow):
    series = {"fast_sigmoid": [(1, 0.90, 0.12), (4, 0.92, 0.10)], "atan": [(1, 0.91, 0.15), (4, 0.92, 0.13)]}
    plots.scales(figure, {"panels": [{"title": "by scale", "xlabel": "scale", "series": series}]}, narrow)
    assert [line.get_ydata().round(1).tolist() for line in figure.axes[1].lines] == [[12.0, 10.0], [15.0, 13.0]]


@pytest.mark.parametrize("narrow", [False, True])
def test_leaks(figure, narrow):
    plots.leaks(figure, LEAKS, narrow)
    assert [text.get_text() for text in figure.axes[0].texts] == ["90.0", "91.0", "92.0", "none"]


@pytest.mark.parametrize("narrow", [False, True])
def test_trade(figure, narrow):
    settings = [
        {
            "kind": "point",
            "length": "",
            "latency": latency,
            "accuracy": accuracy,
            "accuracy_range": (accuracy - 0.01, accuracy + 0.01),
        }
        for latency, accuracy in ((800.0, 0.88), (1000.0, 0.90), (1100.0, 0.89))
    ]
    section = {
        "settings": settings,
        "front": [(800.0, 0.88), (1000.0, 0.90)],
        "marks": [{"label": "most accurate", "latency": 1000.0, "accuracy": 0.90}],
    }
    plots.trade(figure, section, narrow)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["points of the sweep", "Pareto front", "A: most accurate"]


@pytest.mark.parametrize("narrow", [False, True])
def test_timeline(figure, narrow):
    part = {
        "label": "default",
        "settings": "beta 0.5",
        "latency": 60.0,
        "layers": ["1 2"],
        "begins": [[1, 12]],
        "added": [[9, 20]],
        "fires_at": [[9, 20]],
        "ends": [[12, 23]],
    }
    plots.timeline(figure, {"parts": [part]}, narrow)
    title = figure.axes[0].get_title(loc="left")
    assert title == ("default: 60 cycles\nbeta 0.5" if narrow else "default: 60 cycles, beta 0.5")
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "1"]  # steps are counted from 0


def test_every_surrogate_has_a_style():
    assert set(plots.SURROGATES) == set(FAMILIES)
