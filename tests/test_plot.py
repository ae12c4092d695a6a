"""Figures show the numbers they are given, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import minisnn as ms
from minisnn import plot


@pytest.fixture
def axes():
    return Figure().subplots()


def test_gantt_numbers_the_steps_from_0(axes):
    """A layer that adds for 10 cycles and has a firing pass of 2, twice."""
    begins, added, firing_starts, ends = (np.array([[[start, start + 12]]]) for start in (0, 10, 10, 12))
    cycles = SimpleNamespace(begins=begins, added=added, firing_starts=firing_starts, ends=ends, latency=np.array([30]))
    plot.pipeline_gantt(axes, cycles, ["1 8"])
    assert axes.get_title() == "One image: 30 cycles, layer by step"
    assert [text.get_text() for text in axes.texts] == ["0", "1"]


def test_shares_add_up_to_the_latency(axes):
    """20 of 40 cycles are additions, 2 * 2 firing passes, 2 waiting."""
    cycles = SimpleNamespace(
        latency=np.array([40]),
        over=np.array([39]),
        adding=np.array([[[10, 10]]]),
        firing=np.array([2]),
        passes=np.array([[2]]),
        waiting=np.array([[[0, 2]]]),
    )
    plot.cycle_shares(axes, cycles)
    widths = {bars.get_label(): float(bars[0].get_width()) for bars in axes.containers}
    assert widths == {"adds": 50.0, "firing pass": 10.0, "waits": 5.0, "idle": 35.0}


def test_learning_curve_leaves_out_what_was_not_measured(axes):
    history = [
        {"epoch": n, "loss": 2 / n, "train_accuracy": 1 - 0.5 / n, "validation_accuracy": None} for n in (1, 2, 4)
    ]
    plot.learning_curve(axes, history)
    assert axes.lines[0].get_ydata().tolist() == [2.0, 1.0, 0.5]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["loss (left)", "training accuracy (right)"]


def test_raster_gives_the_firing_rate():
    """One neuron for each pixel: the bright one spikes at every step."""
    net = ms.Network("2", (2,), beta=0.0, reset="zero", backend="numpy", rng=np.random.default_rng(0))
    net.layers[0].w[...] = [[2.0, 0.0], [0.0, 2.0]]
    figure = Figure()
    plot.image_raster(figure, ms.Model(net, ms.Encoder("direct", 4, 1.0)), np.array([0.0, 1.0]), label=1)
    assert figure.get_suptitle() == "Spikes for one test image (it shows class 1, the answer is 1)"
    assert figure.axes[0].get_title(loc="left") == "layer 1, 2: 2 neurons, firing rate 50.0 %"


def test_raster_of_arrays(axes):
    """Maps are flattened; the time runs to the right, each step in the middle of its eight columns."""
    maps = np.zeros((3, 2, 2, 1), np.uint8)
    maps[1, 0, 1] = 1
    figure = Figure()
    plot.spike_raster(figure, [maps, np.eye(3)])
    titles = [one.get_title(loc="left") for one in figure.axes]
    assert titles == ["4 neurons, firing rate 8.3 %", "3 neurons, firing rate 33.3 %"]
    image = figure.axes[0].images[0].get_array()[:, 4::8]
    assert np.argwhere(image).tolist() == [[1, 1]]  # neuron 1, at step 1
    plot.spike_raster(axes, np.eye(3), titles=["mine"])
    assert axes.get_title(loc="left") == "mine" and axes.get_xlabel() == "time step"


@pytest.mark.parametrize(
    "spk, options, words",
    [
        (np.zeros((4, 2, 3)), {}, r"shape \(T, N\) or \(T, H, W, C\), got \(4, 2, 3\); one image of a batch"),
        ([np.zeros((4, 2)), np.zeros((4, 1, 2, 2, 3))], {}, r"got \(4, 1, 2, 2, 3\)"),
        (np.full((4, 2), 1.5), {}, "spk must be spikes 0 and 1, got values from 1.5 to 1.5"),
        (np.full((4, 2), np.nan), {}, "spk must be finite"),
        (np.zeros((4, 2)), {"titles": ["a", "b"]}, "titles must be one for each of 1 arrays of spikes, got 2"),
    ],
)
def test_what_is_no_raster(spk, options, words):
    with pytest.raises(ms.InputError, match=words):
        plot.spike_raster(Figure(), spk, **options)


def test_one_axes_shows_one_array(axes):
    with pytest.raises(ms.InputError, match="one Axes cannot show 2 arrays of spikes; pass a Figure"):
        plot.spike_raster(axes, [np.eye(3), np.eye(3)])


@pytest.fixture(scope="module")
def trace():
    """A white pixel, weight 3, comes at step 0, a grey one, weight -1, at step 1; leak 1/2, threshold 1."""
    net = ms.Network("1", (2,), beta=0.5, backend="numpy", rng=np.random.default_rng(0))
    net.layers[0].w[...] = [[3.0], [-1.0]]
    integer, _ = ms.quantize(ms.Model(net, ms.Encoder("latency", 3, 1.0)), 3, guard=0)
    return ms.trace(integer, np.array([1.0, 0.5]))


def test_membrane_in_floats_and_integers(axes, trace):
    """The integers' leak rounds down."""
    plot.membrane(axes, trace, 0, 0)
    lines = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in axes.lines[1:]}
    assert lines == {"floats": [3.0, -0.5, -0.25], "integers": [3.0, -1.0, -1.0], "spike": [3.0]}


def test_figures_of_a_trace_are_written(trace, tmp_path):
    names = plot.trace_figures(trace, None, (0, 0, 0), tmp_path)
    assert names == ["spikes.png", "membrane.png", "pipeline.png"]
    assert all((tmp_path / name).read_bytes()[1:4] == b"PNG" for name in names)


def test_spikes_of_a_trace_say_in_how_many_steps(trace):
    figure = Figure()
    plot._spikes_of(figure, trace)
    for axes in figure.axes:
        assert axes.get_title(loc="left").endswith(f"neurons in {trace.num_steps} steps")
        assert all(tick == int(tick) for tick in axes.get_yticks())


def test_three_factors():
    """Both neurons at their threshold, where this surrogate is 1; the loss wants half a spike more of neuron 0."""
    net = ms.Network("2", (1,), backend="numpy", dtype="float64", rng=np.random.default_rng(0))
    net.layers[0].w[...] = 0.5
    figure = Figure()
    plot.three_factors(figure, ms.Factors(net, np.full((1, 1, 1), 2.0), 0, num_steps=1), 0)
    assert figure.axes[0].get_title() == "Layer 1 2, its steepest weight (0, 0): sum of products -1 = gradient"
    heights = [(axes.get_ylabel(), float(axes.patches[0].get_height())) for axes in figure.axes]
    assert heights == [("error dL/dS", -0.5), ("surrogate", 1.0), ("input trace", 2.0), ("product", -1.0)]
