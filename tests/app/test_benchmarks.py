"""The race of libraries runs on the same spikes, and its numbers are computed as stated."""

import json
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from minisnn.topology import parse
from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import child, learned, limits, load, memory, race, show, throughput
from tests.benchmarks.readme import blocks, sections, shop, tables, words
from tests.helpers import spikes

IDLE, BUSY = ({"cpu_share": share, "sgemm_gflops": 100.0} for share in (1.0, 0.5))


def test_dense_operations_by_hand():
    """Operations of one image and one step: two for each multiply-add."""
    shapes = parse(race.TOPOLOGY, race.SHAPE)
    first = 30 * 30 * 32 * 3 * 3 * 3
    for pooled, pixels in ((False, 13 * 13), (True, 12 * 12)):
        rest = pixels * 32 * 3 * 3 * 32 + 32 * 6 * 6 * 256 + 256 * 10
        assert limits.dense(shapes, 1, 1, pooled) == 2 * (2 * first + 3 * rest)
        assert limits.dense(shapes, 10, 32, pooled) == 32 * 2 * (2 * first + 10 * 3 * rest)


def by_brute_force(shape, spk):
    """Multiply-adds of one product of a layer, counted one by one: for the spikes of (T, B, ...) alone."""
    if shape.kind == "linear":
        return sum(shape.w_shape[1] for _ in np.argwhere(spk))
    kernel, _, _, outputs = shape.w_shape
    count = 0
    for _, _, y, x, _ in np.argwhere(spk):
        for dy, dx in product(range(kernel), repeat=2):
            row, column = y + shape.padding - dy, x + shape.padding - dx
            if 0 <= row < shape.out_shape[0] and 0 <= column < shape.out_shape[1]:
                count += outputs
    return count


@pytest.mark.parametrize("padding", [0, "same"])
def test_operations_of_real_spikes_by_brute_force(padding):
    num_steps, size, rng = 3, 2, np.random.default_rng(0)
    shapes = parse("3C3-MP2-2C3-5-4", (9, 8, 2), padding)
    assert shapes[0].out_shape[0] % 2 == 0 and shapes[0].in_shape[0] % 2 == 1, "the stimulus has a row that is cropped"
    image = np.ones((1, size, *shapes[0].in_shape))
    inputs = [image, *(spikes(rng, (num_steps, size, *shape.in_shape), 0.3) for shape in shapes[1:])]
    expected = 2 * 2 * by_brute_force(shapes[0], np.ones_like(inputs[0]))
    for shape, spk in zip(shapes[1:], inputs[1:]):
        expected += 2 * (2 * by_brute_force(shape, spk) + by_brute_force(shape, np.ones_like(spk)))
    assert limits.spikes(shapes, inputs) == expected
    everything = [inputs[0], *(np.ones_like(spk) for spk in inputs[1:])]
    assert limits.spikes(shapes, everything) == limits.dense(shapes, num_steps, size, pooled=True)


@pytest.fixture
def tiny(monkeypatch):
    """All settings, small and short; the machine seems idle."""
    for name, of in (("SETTINGS", race.SETTINGS), ("NETS", race.NETS)):
        small = {key: replace(one, num_steps=2, size=2, rounds=1) for key, one in of.items()}
        small |= {"vgg9": replace(small["vgg9"], topology="4C3-6C3-MP2-12-10")} if "vgg9" in small else {}
        monkeypatch.setattr(race, name, small)
    monkeypatch.setattr(race, "DOUBLED", replace(race.DOUBLED, num_steps=2, size=2, rounds=1))
    monkeypatch.setattr(load, "take", lambda threads: IDLE)
    monkeypatch.setattr(throughput, "PAUSE", 0)
    monkeypatch.setattr(throughput, "BURST", 0)
    call = child.call

    def here(module, setting, seconds, *arguments):
        """Measure throughput in this process: another would not know of these replacements."""
        if module != "throughput":
            return call(module, setting, seconds, *arguments)
        return throughput.measure(setting, arguments[0], arguments[1:])

    monkeypatch.setattr(child, "call", here)


class Told:
    """A shop whose command has told this."""

    def __init__(self, result):
        self.json = lambda command, env: result


def check_readme(result):
    """README's section and the long table are made of the benchmark's figures; those of a loaded machine are not."""
    measured = sections.speed(Told(result))
    block = blocks.speed(measured, {"minisnn": 80.0, "snnTorch": 20.0, "ratio": 4.0})
    for title in (title for name, title in words.TITLES.items() if name != "weights_doubled"):
        assert f"| {title}: training |" in block
    mlp, long = result["nets"]["mlp"], tables.speed(measured)
    assert f"784-1024-10, T = 25, batch 128: training | {mlp['train_vs_snntorch']:.1f}x |" in block
    assert "that real spikes need" in " ".join(block.split())
    assert f"| folded torch | {mlp['train_samples_per_s']['folded']:.0f} |" in long
    assert f"| {mlp['train_vs_folded']:.1f}x | 2x |" in long
    with pytest.raises(shop.Missing, match="needs an idle machine"):
        sections.speed(Told(result | {"loaded": True}))


def without(*names):
    """Replacement of race.lacks: these peers are not here."""
    return lambda peer: "a package" if peer in names else ""


def test_a_small_race(tiny, monkeypatch, capsys):
    for library in ("torch", "snntorch", "spikingjelly"):
        pytest.importorskip(library)
    monkeypatch.setattr(race, "lacks", without("compile", "jax"))  # tests/test_peers.py has them
    peak, seen = memory.peak, {}

    def once(library, *settings):
        """Measure each library for the first of its settings alone."""
        if library not in seen:
            seen[library] = peak(library, *settings)
        return seen[library]

    monkeypatch.setattr(memory, "peak", once)
    assert benchmarks.main(["--json", "--threads", "1"]) == 0
    result = json.loads(capsys.readouterr().out)
    tables = {"t10_b32": result, "t25_b128": result["t25_b128"], **result["nets"]}
    assert {*tables} == {*show.BARS} and not result["loaded"]
    for name, bars in show.BARS.items():
        figures = {key: tables[name][key] for key in bars if not key.endswith(("compile", "jax"))}
        assert all(np.isfinite(figure) and figure > 0 for figure in figures.values()), figures
        assert all(tables[name][key] is None for key in bars.keys() - figures)
        assert tables[name]["share_of_spike_limit"] < tables[name]["share_of_limit"]
        assert all(apart["largest_difference"] == 0 for apart in tables[name]["agreement_of_counts"].values())
    check_readme(result)
    assert benchmarks.main(["--nets", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    assert "vgg9: 4C3-6C3-MP2-12-10 on 32x32x3, T = 2, batch 2" in text and "mlp" in text and "t10_b32" not in text
    assert "that real spikes need" in text and "LOADED" not in text


def test_a_race_without_peers_has_every_key(tiny, monkeypatch, capsys):
    monkeypatch.setattr(race, "lacks", without(*race.PEERS))
    assert benchmarks.main(["--json", "--threads", "1"]) == 0
    result = json.loads(capsys.readouterr().out)
    for name, bars in show.BARS.items():
        table = result["nets"][name] if name in result["nets"] else {"t10_b32": result, **result}[name]
        assert all(table[key] is None for key in bars if "_vs_" in key)
        assert table["share_of_limit"] > 0


def test_a_loaded_machine_refuses_or_marks(tiny, monkeypatch, capsys):
    monkeypatch.setattr(race, "lacks", without(*race.PEERS))
    monkeypatch.setattr(load, "take", lambda threads: BUSY)
    assert benchmarks.main(["--quick", "--threads", "1"]) == 1
    printed = capsys.readouterr()
    assert not printed.out and "busy threads get 50 % of their cores; try again when it is idle" in printed.err
    assert benchmarks.main(["--quick", "--anyway", "--threads", "1"]) == 1
    assert "LOADED, figures are worthless: t10_b32" in capsys.readouterr().out
    assert benchmarks.main(["--quick", "--json", "--threads", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["loaded"] is True


def test_load_that_comes_later_is_seen(tiny, monkeypatch, capsys):
    monkeypatch.setattr(race, "lacks", without(*race.PEERS))
    takes = iter([IDLE, IDLE | {"sgemm_gflops": 60.0}])
    monkeypatch.setattr(load, "take", lambda threads: next(takes))
    assert benchmarks.main(["--quick", "--threads", "1"]) == 1
    printed = capsys.readouterr()
    assert "LOADED" in printed.out and "matrix product fell from 100 to 60 GFLOP/s" in printed.err


def test_busy_threads_of_others_take_their_share():
    """Twice as many threads as cores get half of what they ask for."""
    with load.cores(1):
        assert load.cpu_share(2, seconds=0.2) < 0.6


def test_no_round_begins_after_the_end(monkeypatch):
    monkeypatch.setattr(throughput, "BURST", 0)
    called = []
    times = throughput.alternate({"a": lambda: called.append(1)}, rounds=5, until=0)
    assert len(called) == 2 and len(times["a"]) == 1


def test_a_child_that_takes_too_long_is_ended():
    start = time.monotonic()
    assert child.call("throughput", race.SETTINGS["t25_b128"], 0.1, 2) is None
    assert time.monotonic() - start < 10


def test_a_child_has_its_setting():
    """The smallest of settings, in a process of its own, without a peer."""
    setting = replace(race.NETS["mlp"], num_steps=2, size=2, rounds=1)
    result = child.call("throughput", setting, 300, 1)
    assert result["topology"] == setting.topology and result["input_shape"] == [784] and result["num_steps"] == 2
    assert result["train_vs_folded"] is None and result["share_of_limit"] > 0
    assert throughput.nothing(setting).keys() < result.keys()


def test_a_peer_that_begins_slowly_does_not_train_when_time_is_short(monkeypatch):
    """Its first inference tells how long it compiles."""
    entry, counts = race.entry, np.ones((2, 10))

    def slow(peer, *arguments):
        return entry(peer, *arguments) if peer == "minisnn" else (lambda: time.sleep(1.5) or counts, lambda: 0.0)

    monkeypatch.setattr(race, "entry", slow)
    monkeypatch.setattr(throughput, "PAUSE", 0)
    monkeypatch.setattr(throughput, "BURST", 0)
    setting = replace(race.NETS["mlp"], num_steps=2, size=2, rounds=1, train=("jax",))  # jax: no torch is needed
    ratios = [throughput.measure(replace(setting, minutes=m), 1, ["jax"]) for m in (1, 3 / 60)]
    assert ratios[0]["train_vs_jax"] is not None and ratios[1]["train_vs_jax"] is None
    assert "jax" in ratios[1]["agreement_of_counts"] and ratios[1]["share_of_limit"] > 0


def test_the_first_call_of_a_turn_does_not_count(monkeypatch):
    naps = iter([0.15, *[0.01] * 100])
    monkeypatch.setattr(throughput, "BURST", 0.3)
    assert 0.01 <= throughput._seconds(lambda: time.sleep(next(naps))) < 0.15
    monkeypatch.setattr(throughput, "BURST", 0)
    assert throughput._seconds(lambda: time.sleep(0.05)) >= 0.05  # one that takes longer is the only one


def test_learned_constants_are_compared_with_the_choice_of_a_sweep():
    """The sweep's choice is the best on validation, not on test; each row counts its trainings."""
    names = [*learned.plan([0.5, 0.9], [1.0]), "0.25, 1"]
    assert names[:2] == ["0.5, 1", "0.9, 1"] and names[2:5] == [f"learned: {one}" for one in learned.LEARNED]
    accuracies = {"0.5, 1": (0.7, 0.6), "0.9, 1": (0.8, 0.7), "0.25, 1": (0.75, 0.9)}
    results = {
        name: dict(zip(("validation", "test"), accuracies.get(name, (0.5, 0.5))), spread=0.01, cycles=1234.4)
        for name in names
    }
    found = dict.fromkeys(names[2:5], "beta 0.60")
    rows = learned.report(results, found, 2).splitlines()[2:]
    assert rows[0].split() == "start: 0.5, 1 2 70.00 % 60.00 % 1.00 1,234".split()
    assert rows[1].split() == "sweep, best on validation: 0.9, 1 6 80.00 % 70.00 % 1.00 1,234".split()
    assert rows[2].split() == "sweep, best on test (hindsight): 0.25, 1 6 75.00 % 90.00 % 1.00 1,234".split()
    assert rows[3].split() == "learned: beta (beta 0.60) 2 50.00 % 50.00 % 1.00 1,234".split() and len(rows) == 6
