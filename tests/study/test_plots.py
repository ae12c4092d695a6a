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
    drawn = plots.figures({"curves": missing, "leaks": LEAKS, "trade": missing, "timeline": missing})
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


def setting(kind, latency, accuracy, seeds):
    ranges = {"accuracy_range": (accuracy - 0.01, accuracy + 0.01), "latency_range": (latency, latency + 9)}
    return {"kind": kind, "latency": latency, "accuracy": accuracy, "seeds": seeds} | ranges


@pytest.mark.parametrize("narrow", [False, True])
def test_trade_of_a_sweep(figure, narrow):
    section = {
        "settings": [setting("point", *pair, 1) for pair in ((800.0, 0.88), (1000.0, 0.90), (1100.0, 0.89))],
        "front": [(800.0, 0.88), (1000.0, 0.90)],
        "marks": [{"label": "most accurate", "latency": 1000.0, "accuracy": 0.90}],
    }
    plots.trade(figure, section, narrow)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["points of the sweep", "Pareto front", "A: most accurate"]


@pytest.mark.parametrize("narrow", [False, True])
def test_trade_of_a_study(figure, narrow):
    early = [{"accuracy": (0.8, 0.7, 0.9), "latency": (300.0, 290.0, 310.0)}]
    early += [{"accuracy": (0.9, 0.8, 1.0), "latency": (1000.0, 990.0, 1010.0)}]
    section = {
        "settings": [setting("tuned", 1000.0, 0.90, 3), setting("price on cycles", 600.0, 0.89, 1)],
        "early": early,
        "marks": [{"label": "default", "latency": 1000.0, "accuracy": 0.90}],
    }
    plots.trade(figure, section, narrow)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    early_label = "default, answer read after each step"
    assert labels == ["surrogate and beta", "price on cycles, one seed", early_label, "A: default"]
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == early_label]
    assert line.get_xdata().tolist() == [0.3, 1.0] and line.get_ydata().tolist() == [80.0, 90.0]


@pytest.mark.parametrize("narrow", [False, True])
def test_trials(figure, narrow):
    series = {
        "fast_sigmoid": [(1, 4e-3, 0.5), (4, 4e-3, 0.6), (1, 8e-3, 0.7), (4, 8e-3, 0.8)],
        "atan": [(2, 4e-3, 0.4)],
    }
    plots.trials(figure, {"panels": [{"title": "beta 0.25", "series": series}] * 2}, narrow)
    assert [line.get_ydata().round(1).tolist() for line in figure.axes[1].lines] == [[50, 60], [70, 80], [40]]
    assert figure.legends[0].get_texts()[1].get_text() == "fast sigmoid, learning rate 0.008"


@pytest.mark.parametrize("narrow", [False, True])
def test_curves(figure, narrow):
    number = {"accuracy": (0.9, 0.88, 0.92), "firing_rate": (0.1, 0.09, 0.11), "latency": (1000.0, 900.0, 1200.0)}
    points = [{"surrogate": f"atan:{scale}", "lr": 4e-3} | number for scale in (1, 4)]
    plots.curves(figure, {"lines": {"atan": points}, "equal": None}, narrow)
    assert [text.get_text() for text in figure.axes[1].texts] == ["1", "4"]
    assert figure.axes[1].containers[0].lines[0].get_xdata().tolist() == [1.0, 1.0]


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
