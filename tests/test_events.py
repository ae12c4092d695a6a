"""Recordings of events: how they are binned and read (tonic is the oracle), encoded, trained on and put into gates."""

import numpy as np
import pytest

import minisnn as ms
from minisnn import encode
from minisnn.data import load as datasets
from minisnn.data import nmnist
from minisnn.data.events import Binning, recordings
from minisnn.data.moving import DIRECTIONS, moving
from minisnn.errors import InputError
from minisnn.training.images import shifted
from minisnn.training.presets import choose
from minisnn.training.settings import Settings

FIELDS = [("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", np.int8)]


def events(seed=0, count=500, height=9, width=7, duration=10_000):
    """Random events in ascending order; the first is at time 1234, and the corners of the sensor are among them."""
    rng = np.random.default_rng(seed)
    result = np.zeros(count, FIELDS)
    result["t"] = 1234 + np.sort(rng.integers(0, duration, count))
    result["t"][0] = 1234
    result["x"], result["y"] = rng.integers(0, width, count), rng.integers(0, height, count)
    result["x"][:2], result["y"][:2] = (0, width - 1), (0, height - 1)
    result["p"] = rng.integers(0, 2, count)
    return result


def nmnist_bytes(t, x, y, p):
    """Events as N-MNIST stores them, by the description on its page: 40 bits each."""
    words = [(int(a) << 32 | int(b) << 24 | int(c) << 23 | int(d)).to_bytes(5, "big") for a, b, c, d in zip(x, y, p, t)]
    return b"".join(words)


def nmnist_folder(folder, count=2):
    """A folder with `count` recordings of each digit in both parts, whose numbers mix the digits."""
    for part in ("Train", "Test"):
        for digit in range(10):
            inner = folder / part / str(digit)
            inner.mkdir(parents=True)
            for index in range(count):
                e = events(10 * index + digit, 60, 34, 34, 320_000)
                name = f"{10 * index + (digit * 7) % 10 + 1:05d}.bin"
                (inner / name).write_bytes(nmnist_bytes(e["t"], e["x"], e["y"], e["p"]))
    return folder


def by_hand(e, binning):
    """Count one event at a time."""
    counts = np.zeros(binning.shape, int)
    for t, x, y, p in e.tolist():
        step = int((t - e["t"][0]) // binning.step)
        if step < binning.num_steps:
            counts[step, y // binning.shrink, x // binning.shrink, p if binning.sensor[2] == 2 else 0] += 1
    return np.minimum(counts, 255)


@pytest.mark.parametrize("shrink, polarities", [(1, 2), (2, 2), (3, 1)])
def test_every_event_is_counted_where_it_belongs(shrink, polarities):
    e, binning = events(), Binning((9, 7, polarities), 5, 1700, shrink)
    counts = binning.count(e, "it")
    np.testing.assert_array_equal(counts, by_hand(e, binning))
    assert counts.dtype == np.uint8 and counts.shape[1:3] == (-(-9 // shrink), -(-7 // shrink))
    assert binning.late > 0 and counts.sum() + binning.late == binning.total == len(e)
    assert "5 steps of 1.7 ms, 9x7 pixels" in str(binning) and "come later and are left out" in str(binning)


def test_an_event_on_the_border_of_two_steps_belongs_to_the_later_one():
    e = np.zeros(3, FIELDS)
    e["t"] = 0, 99, 100
    assert Binning((1, 1, 1), 2, 100).count(e, "it").ravel().tolist() == [2, 1]


def test_counts_end_at_255():
    e = np.zeros(300, FIELDS)
    assert Binning((2, 1, 1), 1, 100).count(e, "it").max() == 255


def test_a_row_of_sensors_has_no_y_and_gives_flat_rows():
    e = np.zeros(3, [("t", int), ("x", int), ("p", int)])
    e["t"], e["x"], e["p"] = (0, 10, 20), (5, 5, 699), 1  # as SHD in tonic
    data = recordings([(e, 3)] * 5, num_steps=2, step=20, sensor=(1, 700, 1))
    assert data.input_shape == (700,) and data.classes == 4
    assert np.argwhere(data.x_train[0]).tolist() == [[0, 5], [1, 699]] and data.x_train[0, 0, 5] == 2


def _changed(**fields):
    e = events()
    for name, (index, value) in fields.items():
        e[name][index] = value
    return e


@pytest.mark.parametrize(
    "e, words",
    [
        (
            _changed(x=(3, 7)),
            "train recording 0 of mine: event 3 is at x 7, .* outside the sensor, which has 7 columns and 9 rows",
        ),
        (_changed(y=(4, -1)), "event 4 is at x ., y -1, outside"),
        (_changed(t=(5, 0)), "times must ascend, but event 5 is at 0 us, after one at .* us; sort them"),
        (_changed(p=(6, -1)), "polarities must be 0 .off. and 1 .on., got -1 to 1"),
        (events()[:0], "train recording 0 of mine is empty; leave out recordings without events"),
        (np.zeros((4, 4)), "structured array with the fields t, x, y, p; it has no t"),
        (np.zeros(4, FIELDS[:2]), "it has no y"),
        (np.full(4, np.nan, [(f, float) for f in "txyp"]), "train recording 0 of mine: t must be finite"),
    ],
)
def test_wrong_events(e, words):
    with pytest.raises(InputError, match=words):
        recordings([(e, 0)] * 5, num_steps=5, step=1000, sensor=(9, 7, 2), name="mine")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"num_steps": 0}, "num_steps must be a whole number from 1"),
        ({"step": 0}, "step must be a number of microseconds above 0, got 0"),
        ({"step": "1 ms"}, "step must be a number of microseconds"),
        ({"sensor": None}, r"recordings needs sensor=\(H, W, polarities\)"),
        ({"sensor": (9, 7)}, "sensor must be its height, width and number of polarities"),
        ({"sensor": (2, 9, 7)}, "one or two polarities, got 7"),
        ({"shrink": 0}, "shrink must be a whole number from 1"),
        ({"test": []}, "recordings has no test recording"),
        ({"train": [(events(), 0)] * 4}, "4 recordings cannot be cut"),
        ({"train": [events()] * 5}, r"train recording 0 of recordings must be a pair \(events, label\)"),
        ({"train": iter([(events(), 0)] * 5)}, r"train must be a list of \(events, label\), .* got list_iterator"),
        ({"train": [(events(), -1)] * 5}, "label of train recording 0 must be a whole number from 0, got -1"),
    ],
)
def test_wrong_options_of_recordings(options, words):
    given = {"train": [(events(), 0)] * 5, "num_steps": 5, "step": 1000, "sensor": (9, 7, 2)} | options
    with pytest.raises(InputError, match=words):
        recordings(given.pop("train"), **given)


def test_a_file_of_nmnist_by_hand(tmp_path):
    """x 1, y 2, on, 3 us; x 33, y 33, off, the largest time; then a mark, which is no event, and what it delays."""
    path = tmp_path / "a.bin"
    path.write_bytes(
        bytes([1, 2, 0x80, 0, 3])
        + bytes([33, 33, 0x7F, 0xFF, 0xFF])
        + bytes([0, 240, 0, 0, 0])
        + bytes([4, 5, 0, 1, 0])
    )
    e = nmnist.read(path)
    assert [e[name].tolist() for name in "xytp"] == [[1, 33, 4], [2, 33, 5], [3, 2**23 - 1, 256 + 2**13], [1, 0, 0]]


def test_tonic_reads_the_same_events(tmp_path):
    tonic_io = pytest.importorskip("tonic.io")
    e = events(1, 400, 34, 34, 300_000)
    e["y"][[100, 250]] = 240  # marks of an overflow of the time
    path = tmp_path / "a.bin"
    path.write_bytes(nmnist_bytes(e["t"], e["x"], e["y"], e["p"]))
    theirs = tonic_io.read_mnist_file(str(path), nmnist.EVENT)
    ours = nmnist.read(path)
    assert len(ours) == 398
    np.testing.assert_array_equal(ours, theirs)


def test_tonic_bins_the_same_frames():
    transforms = pytest.importorskip("tonic.transforms")
    e = events(2, 900, 34, 34, 300_000)
    theirs = transforms.ToFrame((34, 34, 2), time_window=30_000, include_incomplete=True)(e.copy())
    ours = Binning((34, 34, 2), 10, 30_000).count(e, "it")
    np.testing.assert_array_equal(ours.transpose(0, 3, 1, 2), theirs[:10])


def test_a_data_set_of_tonic_is_taken_as_it_is(tmp_path):
    tonic = pytest.importorskip("tonic")

    class NMNIST(tonic.datasets.NMNIST):
        def _check_exists(self):
            return True  # without a download of 1.3 GB

    nmnist_folder(tmp_path / "NMNIST")
    sets = [NMNIST(str(tmp_path), train=train) for train in (True, False)]
    theirs = ms.recordings(*sets, num_steps=10, step=30_000)
    ours = ms.load_data("n-mnist", tmp_path / "NMNIST")
    assert theirs.about == ours.about and theirs.classes == ours.classes == 10

    def in_order(x, y):
        return sorted((int(label), recording.tobytes()) for recording, label in zip(x, y))

    for part in ("train", "test"):  # tonic's order is that of the digits
        x, y = f"x_{part}", f"y_{part}"
        assert in_order(getattr(ours, x), getattr(ours, y)) == in_order(getattr(theirs, x), getattr(theirs, y))


def test_nmnist_is_in_the_order_of_its_numbers_and_binned_as_asked(tmp_path):
    data = ms.load_data("n-mnist", nmnist_folder(tmp_path), num_steps=6)
    assert data.x_train.shape == (20, 6, 34, 34, 2) and data.y_train[:4].tolist() == [0, 3, 6, 9]
    assert data.about.startswith("6 steps of 50 ms, 34x34 pixels, off and on apart; ")  # some come after 300 ms


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "has 0 bytes, but an event takes 5"),
        (b"1234567", "has 7 bytes, but an event takes 5; download it again"),
        (bytes([0, 240, 0, 0, 0]), "00099.bin holds no event; download it again"),
        (bytes([34, 0, 0, 0, 0]), "event 0 is at x 34, y 0, outside the sensor, which has 34 columns and 34 rows"),
    ],
)
def test_damaged_files_of_nmnist(tmp_path, content, words):
    nmnist_folder(tmp_path)
    (tmp_path / "Train" / "4" / "00099.bin").write_bytes(content)
    with pytest.raises(InputError, match=words):
        ms.load_data("n-mnist", tmp_path)


def test_a_digit_of_nmnist_is_missing(tmp_path):
    nmnist_folder(tmp_path)
    (tmp_path / "Test" / "7").rename(tmp_path / "7")
    with pytest.raises(InputError, match="Test.7 holds no recording .*; unpack Train.zip and Test.zip of N-MNIST into"):
        ms.load_data("n-mnist", tmp_path)
    with pytest.raises(InputError, match="n-mnist is not downloaded; name the folder"):
        ms.load_data("n-mnist")


@pytest.fixture(scope="module")
def still_digits():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def moving_digits(still_digits):
    return moving(still_digits)


def test_moving_digits_are_the_same_each_time(moving_digits, still_digits):
    assert moving_digits.fingerprint() == {"dataset": "moving-digits", "images": 2876, "digest": DIGEST}
    other = moving(still_digits, seed=1)
    assert other.x_train.shape == moving_digits.x_train.shape
    assert (other.x_train != moving_digits.x_train).any()
    assert moving(still_digits, 7).x_test.shape == (718, 7, 16, 16, 2)


DIGEST = 2017692995  # the same on every processor: sums of whole numbers


def test_only_the_order_of_steps_tells_a_direction_from_its_opposite(moving_digits):
    """The sums over steps are equal in pairs whose labels are opposite: without order, at most half can be right."""
    for part in ("train", "test"):
        x, y = getattr(moving_digits, f"x_{part}"), getattr(moving_digits, f"y_{part}")
        np.testing.assert_array_equal(x[0::2], x[1::2, ::-1])
        np.testing.assert_array_equal(DIRECTIONS[y[0::2]], -DIRECTIONS[y[1::2]])
    sums = moving_digits.still()
    np.testing.assert_array_equal(sums.x_test[0::2], sums.x_test[1::2])
    assert set(moving_digits.y_train) == set(range(8))


def test_events_move_in_the_direction_of_the_label(still_digits):
    """Played step by step, the events' centre moves by about the digit's speed, around the sensor."""
    data = moving(still_digits)
    right = 0
    for x, label in zip(data.x_test[:100], data.y_test[:100]):
        light = x.sum(axis=-1).astype(float)
        best, found = -1.0, None
        for index, (rows, columns) in enumerate(DIRECTIONS):
            for speed in (0.5, 0.75, 1.0):
                moved = [
                    np.roll(light[0], np.rint((rows * speed * t, columns * speed * t)).astype(int), (0, 1))
                    for t in range(12)
                ]
                if (like := float((light * moved).sum())) > best:
                    best, found = like, index
        right += found == label
    assert right >= 90


def test_still_images_of_recordings(moving_digits):
    np.testing.assert_array_equal(moving_digits.still().x_test, moving_digits.x_test.sum(axis=1))
    one = moving_digits.still(3)
    np.testing.assert_array_equal(one.x_train, moving_digits.x_train[:, 3])
    assert one.num_steps is None and one.max_value == one.x_train.max()
    with pytest.raises(InputError, match="step must be a whole number from 0 to 11, got 12"):
        moving_digits.still(12)
    with pytest.raises(InputError, match="moving-digits has still images already"):
        one.still()


def small(count=40, steps=4, shape=(6, 6, 2), seed=0, classes=2):
    """A few recordings of random events, of two classes."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, (count, steps, *shape), np.uint8) // 2, rng.integers(0, classes, count)
    return ms.data.dataset.Dataset("small", x, y, x[:9], y[:9], classes, 3.0, False, num_steps=steps)


def test_encoding_events_and_counts():
    x = np.array([[[0, 1], [2, 0]], [[255, 0], [0, 3]]], np.uint8)  # two recordings of two steps
    spikes, currents = (encode.Encoder(kind, 2).encode(x) for kind in ("events", "counts"))
    assert spikes.tolist() == [[[0, 1], [1, 0]], [[1, 0], [0, 1]]] and spikes.dtype == np.uint8
    assert currents.tolist() == [[[0, 1], [255, 0]], [[2, 0], [0, 3]]] and currents.dtype == np.float32
    encoder = encode.fit("events", small().x_train, 4, 3.0)
    assert encoder.pad_value == (0.0, 0.0) and encoder.recorded_steps == 4
    assert encode.Encoder("rate", 4).recorded_steps is None


@pytest.mark.parametrize("kind", ["events", "counts"])
def test_kernels_equal_the_reference_on_recordings(kind):
    """Counts above 1 too: the kernels may take spikes as 0 and 1, but not these."""
    inputs = encode.Encoder(kind, 4).encode(small().x_train)
    assert inputs.max() == 1 or kind == "counts"
    runs = []
    for backend in ("numpy", "numba"):
        net = ms.Network("4C3-MP2-7-2", (6, 6, 2), backend=backend, mean_square=0.3, rng=np.random.default_rng(0))
        net.params = [np.round(p * 64) / 64 for p in net.params]  # sums are exact in any order
        run = net.forward(inputs, 4)
        runs.append((run, net.backward(run, np.ones_like(run.spk))))
    np.testing.assert_array_equal(runs[0][0].spk, runs[1][0].spk)
    assert runs[0][0].spk.any()
    for ours, theirs in zip(*(grads for _, grads in runs)):
        np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4)


def test_fit_takes_the_steps_and_the_encoding_from_the_data():
    data = small()
    net = ms.Network("4C3-2", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    model = ms.fit(net, data, epochs=1)
    assert (model.encoder.kind, model.encoder.num_steps) == ("events", 4)
    result = ms.evaluate(model, data.x_test, data.y_test)
    integer, _ = ms.quantize(model)
    assert result.num_steps == 4 and integer.evaluate(data.x_test, data.y_test).num_steps == 4
    assert ms.cycles(integer, data.x_test).latency.shape == (9,)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"num_steps": 5}, "num_steps must be 4, the steps of the recordings in small, got 5"),
        ({"encoding": "direct"}, "encoding direct does not fit small, which has recordings of 4 steps; choose one of"),
        ({"augment": 6}, "augment must be less than the longer side"),
    ],
)
def test_settings_that_do_not_fit_recordings(settings, words):
    net = ms.Network("4C3-2", (6, 6, 2), backend="numpy", rng=np.random.default_rng(0))
    with pytest.raises(InputError, match=words):
        ms.fit(net, small(), epochs=1, **settings)


def test_still_images_are_no_recordings(still_digits):
    net = ms.Network("10", (8, 8, 1), backend="numpy", rng=np.random.default_rng(0))
    with pytest.raises(
        InputError, match="encoding events does not fit digits, which has still images; choose one of d"
    ):
        ms.fit(net, still_digits, epochs=1, encoding="events")


def _model(kind="events"):
    net = ms.Network("4C3-2", (6, 6, 2), backend="numpy", rng=np.random.default_rng(0))
    return ms.Model(net, encode.fit(kind, small().x_train, 4, 3.0))


@pytest.mark.parametrize(
    "x, words",
    [
        (small(steps=5).x_test, "the recordings have 5 steps, the model was trained on 4; bin the events into as many"),
        (
            small().x_test.astype(float),
            r"recordings must be uint8, counts of events, got float64; convert them with ast",
        ),
        (
            small().still().x_test,
            r"recordings must have shape \(n, 4, 6, 6, 2\) to fit the network, got \(9, 6, 6, 2\)",
        ),
        (small(shape=(6, 5, 2)).x_test, r"recordings must have shape \(n, 4, 6, 6, 2\)"),
        (np.zeros((0, 4, 6, 6, 2), np.uint8), r"recordings must have shape .*, got \(0, 4"),
    ],
)
def test_recordings_that_do_not_fit_a_model(x, words):
    model = _model()
    for function in (lambda: ms.predict(model, x), lambda: list(ms.quantize(model)[0].run(x))):
        with pytest.raises(InputError, match=words):
            function()


def test_counts_stay_in_floats():
    model, data = _model("counts"), small()
    assert ms.evaluate(model, data.x_test, data.y_test).images == 9
    with pytest.raises(InputError, match="inputs are 0 and 1, .* train it with the encoding events"):
        ms.quantize(model)


def test_more_events_are_no_other_scale():
    x = small(count=60).x_train
    for kind in ("events", "counts"):
        assert len(ms.predict(_model(kind), x * 200)) == 60
    np.testing.assert_array_equal(ms.predict(_model("events"), x * 200), ms.predict(_model("events"), x))


def test_a_recording_is_shifted_as_a_whole_and_nothing_enters():
    x = np.zeros((30, 3, 5, 4, 2), np.uint8)
    x[:, :, 2, 1] = 1
    y = shifted(x, 2, np.random.default_rng(0))
    assert y.shape == x.shape and y.dtype == np.uint8
    np.testing.assert_array_equal(y[:, 0], y[:, 2])  # all steps by the same
    places = {tuple(np.argwhere(one[0, :, :, 0])[0]) if one.any() else None for one in y}
    assert len(places) > 8 and None in places  # some are shifted out of the frame
    assert shifted(np.ones_like(x), 2, np.random.default_rng(0)).min() == 0


@pytest.mark.parametrize(
    "change, words",
    [
        ({"num_steps": 5}, r"x_train must have shape \(n, 5, H, W, C\) or \(n, 5, N\), got \(40, 4, 6, 6, 2\)"),
        ({"num_steps": None}, r"x_train must have shape \(n, H, W, C\) or \(n, N\), got"),
        ({"x_train": small().x_train.astype(np.float32)}, "x_train must be uint8, counts of events, got float32"),
        (
            {"x_test": small(shape=(6, 5, 2)).x_test},
            r"x_test has images of shape \(4, 6, 5, 2\), x_train \(4, 6, 6, 2\)",
        ),
    ],
)
def test_data_sets_that_cannot_be(change, words):
    with pytest.raises(InputError, match=words):
        ms.data.dataset.Dataset(**vars(small()) | change)


def save(path, **arrays):
    data = small()
    np.savez(path, **{"events": data.x_train, "y": data.y_train} | arrays)
    return path


def test_a_file_of_recordings(tmp_path):
    data = datasets.load(save(tmp_path / "mine.npz"))
    assert (data.num_steps, data.input_shape, data.max_value, data.classes) == (4, (6, 6, 2), 1.0, 2)
    assert data.x_train.shape == (32, 4, 6, 6, 2) and data.x_test.shape == (8, 4, 6, 6, 2)
    both = save(tmp_path / "both.npz", events_test=small(7).x_train, y_test=small(7).y_train)
    assert datasets.load(both).x_test.shape == (7, 4, 6, 6, 2)
    rows = save(tmp_path / "rows.npz", events=np.ones((40, 4, 9), np.uint8))
    assert datasets.load(rows).input_shape == (9,)


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"events": small().x_train.astype(float)}, "events must be uint8, counts of events, got float64; convert"),
        (
            {"events": small().x_train[:, 0]},
            r"events must have shape \(n, T, H, W, C\) or \(n, T, N\), got \(40, 6, 6, 2\)",
        ),
        ({"events": small().x_train[:0]}, r"events must have shape .* got \(0, 4, 6, 6, 2\)"),
        ({"events": 0 * small().x_train}, "events holds no event, all counts are 0; write the recordings again"),
        ({"X": small().x_train}, "has images X and recordings events; leave one of them out"),
        ({"y": np.zeros(39, int)}, "do not fit 40 images"),
        ({"events_test": small().x_train}, "has no array y_test"),
        ({"events_test": small(steps=5).x_train, "y_test": small().y_train}, "images of events_test have shape"),
    ],
)
def test_wrong_files_of_recordings(tmp_path, arrays, words):
    with pytest.raises(InputError, match=words):
        datasets.load(save(tmp_path / "mine.npz", **arrays))


def test_steps_are_for_data_that_is_binned():
    with pytest.raises(InputError, match="num_steps is for the events of moving-digits and n-mnist, and digits is not"):
        ms.load_data("digits", num_steps=4)
    assert ms.load_data("moving-digits", num_steps=4).num_steps == 4


def test_presets_and_data_agree():
    _, chosen = choose("mine.npz", {"epochs": 2}, small())
    assert (Settings(**chosen).encoding, Settings(**chosen).num_steps) == ("events", 4)
    _, chosen = choose("mine.npz", {"encoding": "counts"}, small())
    assert Settings(**chosen).encoding == "counts"
    _, chosen = choose("moving-digits", {})
    assert Settings(**chosen).num_steps == 12
