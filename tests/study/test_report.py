"""The report: verdicts follow from the numbers, files from the study, and the page needs no other file."""

import copy
import csv
import json
import re
import sqlite3
from dataclasses import asdict
from itertools import product

import numpy as np
import pytest

import minisnn
from minisnn import surrogate as surrogates
from minisnn.commands import main
from minisnn.errors import InputError
from minisnn.study import claims, page, point, report, sections
from minisnn.study import plots as plot_study
from minisnn.study import stages as study
from minisnn.study.form import DONE, POINT, fault_of_row
from minisnn.study.plan import Plan
from minisnn.study.selection import Rows, identity
from minisnn.study.store import Store, canonical
from minisnn.timing import energy

PLAN = Plan(
    dataset="digits",
    training={"num_steps": 4, "validation": 0.2},
    screening=2,
    epochs=5,
    scales=(1, 4),
    betas=(0.25, 0.7),
    thresholds=(0.5, 1.0),
    penalties=("1,0,0",),
    ramp=0.7,
    narrower=(2,),
    steps=(2,),
    seeds=(0, 1),
    lanes=(32, 8, 8),
    margins=(0.0, 0.02),
)
IMAGES = 40
NAMED, BEST, ATAN = "fast_sigmoid:25", "fast_sigmoid:4", "atan:4"
WIDE = str(surrogates.match_width("fast_sigmoid", surrogates.parse(ATAN)))
HIGH = str(surrogates.match_width_and_height("fast_sigmoid", surrogates.parse(ATAN)))
PRICED = {"surrogate": BEST, "beta": 0.7, "threshold": 0.5, "rate_penalty": "1,0,0"}
# Settings that claims rest on: (changes, (accuracy, latency, firing rate)).
MADE_UP = {
    "named": ({"surrogate": NAMED}, (0.80, 1000.0, 0.10)),
    "default": ({"surrogate": BEST}, (0.90, 1100.0, 0.12)),
    "atan": ({"surrogate": ATAN}, (0.90, 1150.0, 0.15)),
    "atan named": ({"surrogate": "atan:2"}, (0.80, 1050.0, 0.16)),
    "wide": ({"surrogate": WIDE}, (0.90, 1120.0, 0.14)),
    "leak": ({"surrogate": BEST, "beta": 0.25, "threshold": 0.5}, (0.90, 500.0, 0.08)),
    "priced": (PRICED, (0.895, 400.0, 0.05)),
    "steps": (PRICED | {"num_steps": 2}, (0.895, 200.0, 0.05)),
}

POOR = (0.5, 5000.0, 0.2)


@pytest.fixture(scope="module")
def template():
    data = minisnn.load_data("digits")
    return study.point(PLAN, data, full=True)


def made(template, seed=0, epochs=PLAN.epochs, **changes):
    """Return the template with other settings."""
    made = copy.deepcopy(template)
    for name, value in ({"seed": seed, "epochs": epochs} | changes).items():
        made["network" if name in made["network"] else "training"][name] = value
    return made


def result(accuracy, latency, rate, num_steps=4):
    """Return what `measure` would return for three layers."""
    right = np.arange(IMAGES) < round(accuracy * IMAGES)
    part = {
        "accuracy": accuracy,
        "accuracy_float": accuracy,
        "right": np.packbits(right).tobytes().hex(),
        "images": IMAGES,
        "firing_rates": [rate] * 3,
        "latency": latency,
        "interval": latency / 2,
        "accuracy_by_step": np.linspace(accuracy / 2, accuracy, num_steps).tolist(),
    }
    begins = np.linspace(10, latency, 3 * num_steps, endpoint=False).reshape(3, num_steps)
    timeline = {"begins": begins, "added": begins + 8, "fires": begins + 9, "ends": begins + 10}
    events = dict.fromkeys(energy.CONSTANTS, latency * 1e3) | {"cycles": latency / 2}
    del events["static"]
    others = {
        name: {"latency": 2 * latency, "interval": latency * factor}
        for name, factor in (("dense", 2), ("layerwise", 1))
    }
    test = (
        part
        | others
        | {
            "firing_cycles": [4, 2, 1],
            "timeline": {k: v.tolist() for k, v in timeline.items()},
            "events": {
                name: {k: v * factor for k, v in events.items()}
                for name, factor in (("pipelined", 1), ("dense", 4), ("layerwise", 2))
            },
        }
    )
    return {"validation": part, "test": test, "lanes": [32, 8, 8], "lost": [], "history": []}


def rows_of(template, changed=None, whole=True):
    """Return the rows of a study, (point, numbers); without `whole`, those of the screening."""
    rows = [
        (made(template, epochs=PLAN.screening, surrogate=name), numbers)
        for name, numbers in (
            (NAMED, (0.70, 1000.0, 0.10)),
            ("fast_sigmoid:1", (0.80, 1200.0, 0.13)),
            (BEST, (0.85, 1100.0, 0.12)),
            ("atan:1", (0.75, 1200.0, 0.14)),
            ("atan:2", (0.80, 1100.0, 0.15)),
            (ATAN, (0.85, 1100.0, 0.16)),
            (WIDE, (0.84, 1100.0, 0.13)),
            (HIGH, (0.83, 1100.0, 0.13)),
        )
    ]
    rows += [
        (
            made(template, epochs=PLAN.screening, surrogate=BEST, beta=beta, threshold=threshold),
            (0.85 + beta / 100, 900 * threshold, 0.1),
        )
        for beta, threshold in product(PLAN.betas, PLAN.thresholds)
        if (beta, threshold) != (0.25, 1.0)
    ]
    if not whole:
        return rows
    for name, latency in (("priced", 400.0), ("steps", 200.0)):
        rows.append((made(template, epochs=PLAN.screening, **MADE_UP[name][0]), (0.85, latency, 0.05)))
    for settings, numbers in (MADE_UP | (changed or {})).values():
        accuracy, latency, rate = numbers
        for seed in PLAN.seeds:
            rows.append((made(template, seed, **settings), (accuracy + 0.001 * seed, latency + seed, rate)))
    return filled(template, rows)


def filled(template, rows):
    """Add to made-up rows the others that the plan asks for, too poor to be chosen, as a finished study has them."""
    for name in study.STAGES:
        rows.sort(key=lambda row: canonical(row[0]))  # the order of a file, which decides between equals
        known = [{"point": made_up, "status": "done", "result": result(*numbers)} for made_up, numbers in rows]
        there = {identity(row) for row in known}
        for settings in study.wanted(name, PLAN, Rows(PLAN, known)):
            if tuple(settings.values()) not in there:
                rows.append((made(template, **settings), POOR))
    return rows


def store_of(path, rows, plan=PLAN, failed=()):
    """Write a file with these rows; return its path."""
    with Store(path) as store:
        if plan:
            store.note("plan", asdict(plan))
        for settings, numbers in rows:
            results = result(*numbers, num_steps=settings["training"]["num_steps"])
            row = (point.key(settings), settings, "done", "", results, 1.0)
            store.save(point.training_key(settings), None, [row])
        for settings, reason in failed:
            row = (point.key(settings), settings, "failed", reason, None, 1.0)
            store.save(point.training_key(settings), None, [row])
    return path


def verdicts(tmp_path, template, changed=None):
    """Return {(group, what): claim} of a study with these numbers."""
    contents = report.gather(store_of(tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite", rows_of(template, changed)))
    return {(claim["group"], claim["what"].partition(":")[0]): claim for claim in contents["claims"]["list"]}


CUT = ("latency", "beta, threshold, surrogate, penalty; against default, best scale")
FASTEST = ("latency", "beta, threshold, surrogate, penalty, T; against default, best scale")
FPS = ("efficiency", "beta, threshold, surrogate, penalty; against default, best scale")
EQUAL = ("firing", "at equal half-width (that of the arctangent at its best scale)")


def test_numbers_of_a_claim(tmp_path, template):
    by_name = verdicts(tmp_path, template)
    cut, lost = by_name[CUT]["tests"]
    assert cut["mean"] == pytest.approx(1 - 400.5 / 1100.5)
    assert cut["by_seed"] == pytest.approx([1 - 400 / 1100, 1 - 401 / 1101])
    assert lost["mean"] == pytest.approx(0.005)
    rate, _ = by_name[EQUAL]["tests"]
    assert rate["mean"] == pytest.approx(0.14 / 0.15)
    ratio, _ = by_name[FPS]["tests"]
    low, high = by_name[FPS]["range"]
    assert low <= ratio["mean"] <= high
    assert ratio["mean"] == pytest.approx(1100.5 / 400.5)  # all events and the interval are proportional to the latency


def test_verdicts_flip_with_the_numbers(tmp_path, template):
    by_name = verdicts(tmp_path, template)
    for name in (CUT, FASTEST, FPS, EQUAL):
        assert by_name[name]["verdict"] == claims.HOLDS, name
        assert by_name[name]["passed"] == by_name[name]["seeds"] == 2
    leak = MADE_UP["leak"][0]
    for name, changed in (
        (CUT, {"priced": (PRICED, (0.895, 600.0, 0.05)), "leak": (leak, (0.90, 700.0, 0.1))}),
        (FASTEST, {"steps": (PRICED | {"num_steps": 2}, (0.895, 340.0, 0.05))}),
        (FPS, {"priced": (PRICED, (0.895, 800.0, 0.05)), "leak": (leak, (0.90, 900.0, 0.1))}),
        (EQUAL, {"wide": ({"surrogate": WIDE}, (0.90, 1120.0, 0.155))}),
        (EQUAL, {"wide": ({"surrogate": WIDE}, (0.85, 1120.0, 0.14))}),
    ):  # the last one has a lower firing rate, but loses accuracy
        other = verdicts(tmp_path, template, changed)
        assert other[name]["verdict"] == claims.FAILS, name
        assert other[name]["passed"] < 2


def test_a_claim_holds_in_every_seed_or_says_in_how_many(tmp_path, template):
    def set_latency(rows, by_seed):
        """Give the setting "priced" these latencies."""
        for index, (settings, (accuracy, _, rate)) in enumerate(rows):
            if identity({"point": settings})[:5] == (BEST, 0.7, 0.5, 4, "1,0,0"):
                rows[index] = settings, (accuracy, by_seed[settings["training"]["seed"]], rate)

    for by_seed, verdict in (((300.0, 590.0), "holds in 1 of 2 seeds"), ((300.0, 500.0), "holds")):
        rows = rows_of(template)
        set_latency(rows, by_seed)  # the default needs 1,100 cycles, and the bar is a cut of 48 %
        contents = report.gather(store_of(tmp_path / f"{verdict}.sqlite", rows))
        (claim,) = [claim for claim in contents["claims"]["list"] if (claim["group"], claim["what"]) == CUT]
        assert claim["verdict"] == verdict and claims.passes(claim["tests"][0], claim["tests"][0]["mean"])
        assert verdict in page.page(contents, {})


def test_nothing_holds_against_guesses(tmp_path, template):
    """With ten classes, 15 % right is hardly better than a guess, and a network without spikes is fast."""
    guesses = {name: (settings, (0.15, *numbers[1:])) for name, (settings, numbers) in MADE_UP.items()}
    by_name = verdicts(tmp_path, template, guesses)
    assert {by_name[name]["verdict"] for name in (CUT, FASTEST, FPS, EQUAL)} == {claims.UNFAIR}
    assert "hardly learned: 15.0 % of the test images are right, where guesses give 10.0 %" in by_name[CUT]["note"]


def test_a_default_that_has_learned_much_less_is_noted(tmp_path, template):
    said = "the default has learned much less: 30.0 %"
    weak = verdicts(tmp_path, template, {"named": ({"surrogate": NAMED}, (0.30, 500.0, 0.02))})
    assert all(
        (said in claim["note"]) == ("snnTorch's scale" in name)
        for (group, name), claim in weak.items()
        if group == "latency"
    )
    slow = verdicts(tmp_path, template, {"named": ({"surrogate": NAMED}, (0.30, 5000.0, 0.02))})
    against = slow["latency", "beta, threshold, surrogate, penalty; against default, snnTorch's scale"]
    assert against["passed"] == 2 and against["verdict"] == claims.UNFAIR and said in against["note"]
    near = verdicts(tmp_path, template, {"named": ({"surrogate": NAMED}, (0.85, 500.0, 0.02))})
    assert not any("much less" in claim["note"] for claim in near.values())


@pytest.mark.parametrize(
    "sense, passing",
    [
        ("<", (True, False, False)),
        (">", (False, False, True)),
        ("<=", (True, True, False)),
        (">=", (False, True, True)),
    ],
)
def test_bars(sense, passing):
    assert tuple(claims.passes({"sense": sense, "bar": 0.01}, value) for value in (0.009, 0.01, 0.011)) == passing


def test_rounding_alone_decides_nothing():
    assert 0.9 - 0.89 > 0.01 and claims.passes({"sense": "<=", "bar": 0.01}, 0.9 - 0.89)


def test_a_model_reproduces_no_board(tmp_path, template):
    (claim,) = [claim for claim in verdicts(tmp_path, template).values() if claim["paper"] == claims.EFFICIENT]
    assert claim["verdict"] == claims.MODEL and not claim["tests"]


def test_a_schedule_that_was_not_computed_leaves_its_claims_open(tmp_path, template):
    """A study that was measured without the layerwise schedule says so; its other claims stand."""
    path = store_of(tmp_path / "study.sqlite", rows_of(template))
    with sqlite3.connect(path) as db:
        db.execute("update points set result = json_remove(result, '$.test.layerwise', '$.test.events.layerwise')")
    contents = report.gather(path)
    open_claims = [claim for claim in contents["claims"]["list"] if claim["verdict"] == claims.OPEN]
    assert len(open_claims) == 2 and all("layerwise" in claim["what"] for claim in open_claims)
    assert all("layerwise schedule has not been computed" in claim["note"] for claim in open_claims)
    assert all(point["layerwise_latency"] is None and point["dense_latency"] for point in contents["points"])
    assert not any("layerwise" in line["label"] for line in contents["power"]["lines"])


def test_cycles_of_firing_passes(tmp_path, template):
    """Passes of 4, 2 and 1 cycles, 4 times; the cycle in which a pass starts is none of its own."""
    parts = report.gather(store_of(tmp_path / "s.sqlite", rows_of(template)))["timeline"]["parts"]
    assert [part["fires"] for part in parts] == [[16, 8, 4], [8, 4, 2]]  # the default, and a setting with T = 2


def fields(form, name=()):
    """Return the names of all fields that a form asks for, each as a tuple."""
    if not isinstance(form, dict) or not form:
        return [name]
    return [name, *(found for key, part in form.items() for found in fields(part, (*name, key)))]


@pytest.mark.parametrize(
    "name", [name for part in ({"point": POINT}, DONE) for name in fields(part) if name], ids=".".join
)
def test_a_row_without_a_field_is_damaged(tmp_path, template, name):
    """Each field that a report needs, removed or of another type, is named with the file and the point."""
    path = store_of(tmp_path / "s.sqlite", rows_of(template, whole=False)[:1])
    column, *keys = name
    where = "$" + "".join(f".{key}" for key in keys)
    for change in (f"json_remove({column}, '{where}')", f"json_set({column}, '{where}', json('[[\"x\"]]'))"):
        if not keys:
            change = "'[]'"
        with sqlite3.connect(path) as db:
            (before,) = db.execute(f"SELECT {column} FROM points").fetchone()
            db.execute(f"UPDATE points SET {column} = {change}")
        db.close()
        with pytest.raises(InputError, match=f"s.sqlite is damaged: point [0-9a-f]+ has no usable {'.'.join(name)}"):
            report.gather(path)
        with sqlite3.connect(path) as db:
            db.execute(f"UPDATE points SET {column} = ?", (before,))
        db.close()
    report.gather(path)


def test_results_without_validation(tmp_path, template):
    """A sweep without validation images writes None in their place; a study cannot choose without them."""
    for plan in (None, PLAN):
        path = store_of(tmp_path / f"{plan is None}.sqlite", rows_of(template, whole=False), plan)
        with sqlite3.connect(path) as db:
            db.execute("UPDATE points SET result = json_set(result, '$.validation', NULL)")
        db.close()
        if plan is None:
            assert report.gather(path)["points"][0]["validation_accuracy"] is None
        else:
            with pytest.raises(InputError, match="points without validation images"):
                report.gather(path)


def test_lists_that_do_not_fit_the_network(template):
    row = {"point": template, "status": "done", "result": result(0.9, 1000.0, 0.1)}
    assert fault_of_row(row) == ""
    for part, name in (("test", "firing_rates"), ("test", "firing_cycles"), ("test", "right")):
        wrong = copy.deepcopy(row)
        wrong["result"][part][name] = wrong["result"][part][name][:-2]
        assert name.partition("_cycles")[0] in fault_of_row(wrong)
    wrong = copy.deepcopy(row)
    wrong["result"]["test"]["timeline"]["added"][1].append(1)
    assert fault_of_row(wrong) == "result.test.added"


def test_a_fault_of_ours_is_not_blamed_on_the_file(tmp_path, template, monkeypatch):
    def front(points):
        raise KeyError("ours")

    monkeypatch.setattr(sections, "front", front)
    with pytest.raises(KeyError, match="ours"):
        report.gather(store_of(tmp_path / "s.sqlite", rows_of(template)))


def test_floor_is_that_of_the_pixels(template):
    row = {"point": template, "result": result(0.9, 1000.0, 0.1)}
    floor = claims.floor([row])  # begins at 10, 8 cycles of additions, passes of 4, T = 4
    assert (floor["additions"], floor["whole"], floor["one_step"]) == (8, 18 + 4 * 4, 18 + 4)
    assert floor["cut"] == pytest.approx(1 - 34 / 1000)
    rated = copy.deepcopy(row)
    rated["point"]["training"]["encoding"] = "rate"
    assert claims.floor([rated]) is None


def test_firing_rate_counts_neurons(template):
    row = {"point": template, "result": {"test": {"firing_rates": [0.5, 0.25, 0.0]}}}
    neurons = np.array([8 * 8 * 32, 128, 10])
    assert claims.firing_rate(row) == pytest.approx((0.5 * neurons[0] + 0.25 * neurons[1]) / neurons.sum())


def test_front_against_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(50):
        points = [tuple(pair) for pair in rng.integers(0, 6, (12, 2)).tolist()]  # ties are certain
        slow = {(x, y) for x, y in points if not any((a <= x and b >= y) and (a < x or b > y) for a, b in points)}
        assert sections.front(points) == sorted(slow)


def test_optimism_of_chance_alone(template):
    """Points differ by luck alone, so the best one looks better on the half that selected it than on the other."""
    rng, rows = np.random.default_rng(0), []
    for _ in range(30):
        right = rng.random(400) < 0.8
        test = {"images": 400, "right": np.packbits(right).tobytes().hex()}
        rows.append({"point": template, "result": {"test": test}})
    bias = sections.optimism(rows)
    assert 0.02 < bias["mean"] < 0.08
    assert sections.optimism(rows[:1]) is None
    assert sections.optimism([rows[0]] * 2)["mean"] == pytest.approx(0, abs=0.01)
    assert bias == sections.optimism(rows)


def test_equal_stores_give_equal_files(tmp_path, template):
    rows = rows_of(template)
    for name, some in (("a", rows), ("b", rows[::-1])):
        page.write(report.gather(store_of(tmp_path / f"{name}.sqlite", some)), tmp_path / name)
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {
        "report.html",
        "results.csv",
        "results.json",
        "claims.json",
        *(f"{name}.png" for name in plot_study.NAMES),
    }
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    with open(tmp_path / "a" / "results.csv") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(rows)
    latencies = {line["key"]: float(line["latency"]) for line in lines}
    points = json.loads((tmp_path / "a" / "results.json").read_text())
    assert latencies == {point["key"]: point["latency"] for point in points}


def whole_page(tmp_path, **more):
    contents = report.gather(tmp_path / "s.sqlite", **more)
    return contents, page.page(contents, plot_study.figures(contents))


def test_page_needs_no_other_file(tmp_path, template):
    failed = [(made(template, 7), "TrainingError: the loss is <nan>")]
    store_of(tmp_path / "s.sqlite", rows_of(template), failed=failed)
    contents, text = whole_page(tmp_path)
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', text)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert len([source for source in sources if source.startswith("data:")]) == 2 * len(plot_study.NAMES)
    assert not re.search(r"<script|<link|@import|url\(", text)
    for heading in page.HEADINGS.values():
        assert f">{heading}</h2>" in text, heading
    assert "TrainingError: the loss is &lt;nan&gt;" in text and "<nan>" not in text
    assert "MODELLED" in text and text.count("Horowitz") > 3
    targets = re.findall(r'id="([^"]*)"', text)
    assert {source[1:] for source in sources if source.startswith("#")} <= set(targets)


def test_a_study_that_is_not_finished(tmp_path, template):
    store_of(tmp_path / "s.sqlite", rows_of(template, whole=False))
    contents, text = whole_page(tmp_path)
    open_claims = [claim for claim in contents["claims"]["list"] if claim["verdict"] == claims.OPEN]
    assert len(open_claims) == len(contents["claims"]["list"]) - 1
    lacks = "8 of 10 points are there in stage 1 of 5 (scales)"
    assert all(claim["note"] == lacks for claim in open_claims)
    assert f"22 of 23 claims are open: {lacks}." in text and f"What is missing: {lacks}." in text
    assert claims.HOLDS not in {claim["verdict"] for claim in contents["claims"]["list"]}


def test_study_that_has_hardly_begun(tmp_path, template):
    store_of(tmp_path / "s.sqlite", [])
    _, text = whole_page(tmp_path)
    for name in ("scales", "leaks", "trade", "timeline", "power"):
        assert report.gather(tmp_path / "s.sqlite")[name]["missing"] in text
    store_of(tmp_path / "s.sqlite", [(made(template, epochs=PLAN.screening, surrogate="atan:2"), (0.5, 100.0, 0.1))])
    contents, text = whole_page(tmp_path)
    assert "missing" not in contents["trade"] and "missing" in contents["power"]


def test_sweep_without_a_plan(tmp_path, template):
    rows = [
        (made(template, seed, surrogate=name, beta=beta), (0.9 - 0.1 * beta, 1000.0 * beta, 0.1))
        for seed in (0, 1)
        for name in (BEST, ATAN)
        for beta in (0.25, 0.7)
    ]
    store_of(tmp_path / "s.sqlite", rows, plan=None)
    contents, text = whole_page(tmp_path)
    assert "missing" in contents["claims"] and contents["claims"]["missing"] in text
    assert [setting["seeds"] for setting in contents["trade"]["settings"]] == [2] * 4
    assert contents["leaks"]["betas"] == [0.25, 0.7] and contents["leaks"]["accuracy"][1][0] == pytest.approx(0.83)
    assert {*contents["scales"]["panels"][0]["series"]} == {"fast_sigmoid", "atan"}


def test_pitfalls_from_the_note(tmp_path, template):
    store_of(tmp_path / "s.sqlite", rows_of(template))
    line = {
        "pitfall": "deployed & trained apart",
        "setting": "default",
        "seeds": 2,
        "honest": {"accuracy": 0.9, "latency": 1000.0, "firing_rate": 0.1},
        "wrong": {"accuracy": 0.7, "latency": 900.0, "firing_rate": 0.1},
    }
    with Store(tmp_path / "s.sqlite") as store:
        store.note("pitfalls", [line])
        store.note("command", "minisnn reproduce --out x")
    contents, text = whole_page(tmp_path)
    assert line in contents["pitfalls"]["lines"]
    assert "deployed &amp; trained apart" in text and "-20.00" in text and "minisnn reproduce --out x" in text


def test_command(tmp_path, template, capsys):
    path = store_of(tmp_path / "s.sqlite", rows_of(template))
    assert main(["report", str(path), "--out", str(tmp_path / "out"), "--clock-mhz", "50"]) == 0
    said = capsys.readouterr().out
    assert "holds" in said and str(tmp_path / "out" / "report.html") in said
    (tmp_path / "c.json").write_text('{"static": 0}')
    assert main(["report", str(path), "--out", str(tmp_path / "out"), "--constants", str(tmp_path / "c.json")]) == 0
    assert 1 == (tmp_path / "out" / "report.html").read_text().count(">given<")


def test_figures_of_an_earlier_report_are_removed(tmp_path, template):
    page.write(report.gather(store_of(tmp_path / "s.sqlite", rows_of(template))), tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("stays")
    page.write(report.gather(store_of(tmp_path / "e.sqlite", [])), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "mine.txt",
        "report.html",
        "results.csv",
        "results.json",
        "claims.json",
    }


@pytest.mark.parametrize(
    "words, said",
    [
        (["{}/none.sqlite"], "does not exist"),
        (["{}"], "cannot be read"),
        (["{}/empty"], "is not a file of results"),
        (["{}/text"], "is not a file of results"),
        (["{}/s.sqlite", "--clock-mhz", "0"], "clock"),
        (["{}/s.sqlite", "--constants", "{}/text"], "cannot be read as constants"),
        (["{}/s.sqlite", "--constants", "{}/none.json"], "cannot be read as constants"),
    ],
)
def test_an_error_is_one_sentence(tmp_path, template, capsys, words, said):
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("This is no file of results, however long its only line may be.")
    store_of(tmp_path / "s.sqlite", [])
    assert main(["report", *[word.format(tmp_path) for word in words], "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert not (tmp_path / "out").exists() and (tmp_path / "empty").stat().st_size == 0


def test_a_folder_that_cannot_be_made(tmp_path, template):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        page.write(report.gather(store_of(tmp_path / "s.sqlite", [])), tmp_path / "file" / "out")
