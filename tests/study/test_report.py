"""The report: files follow from the study, and the page needs no other file."""

import copy
import csv
import json
import re
import sqlite3
from dataclasses import asdict

import numpy as np
import pytest

from minisnn.commands import main
from minisnn.errors import InputError
from minisnn.study import claims, page, report, results, sections_of_sweep
from minisnn.study import plots as plot_study
from minisnn.study.claim_words import in_short
from minisnn.study.form import DONE, POINT, fault_of_row
from minisnn.study.intervals import Seeds
from minisnn.study.plan import PLANS
from minisnn.study.selection import setting
from minisnn.study.stages import STAGES
from minisnn.study.store import Store
from minisnn.timing import energy
from tests.study import made_up
from tests.study.made_up import PLAN, made, numbers_of, result, rows_of, store_of

OF_STUDY = {"trade", "trials", "curves", "leaks", "timeline"}  # figures


@pytest.fixture(scope="module")
def template():
    return made_up.template()


@pytest.fixture(scope="module")
def whole(template, tmp_path_factory):
    """Return the file of a finished study."""
    return store_of(tmp_path_factory.mktemp("study") / "s.sqlite", rows_of(template))


def page_of(path, **more):
    contents = report.gather(path, **more)
    return contents, page.page(contents, plot_study.figures(contents))


def test_the_page_begins_with_five_sentences_the_figure_and_the_protocol(whole):
    contents, text = page_of(whole)
    short, protocol, *_ = re.findall(r"<section.*?</section>", text, re.S)
    assert text.count("<details>") == text.count("<section") - 1 and "<details" not in short, "the rest unfolds"
    sentences = re.findall(r"<li>(.*?)</li>", short)
    assert 4 <= len(sentences) <= 5 and "<picture>" in short
    # The default has 0.904 and 0.906, and one image of 40 less in every second block.
    assert sentences[0].startswith("The default, with the best scale and rate tried, has 8")
    cut, lost = "40.3 % (40.3 to 40.3)", "0.00 (0.00 to 0.00) points"
    claimed = "at least 50 % for at most 2"
    assert sentences[1] == f"The fastest setting at T = 4 saves {cut} for {lost}: the claim ({claimed}) does not hold."
    # Fewer steps leave 0.4, and an exit at a lead of 2 leaves 0.7 of that.
    assert sentences[2].startswith("The fastest setting with T free saves 82.")
    assert sentences[2].endswith(": the claim (at least 70 % for at most 2) holds.")
    better = copy.deepcopy(contents)
    for claim in better["claims"]["list"]:
        if claim["group"] == "latency" and claim["tests"]:
            claim["tests"][1] |= {"value": -0.01, "low": -0.02, "high": 0.005}
    assert " and gains 1.00 (-0.50 to 2.00) points: the claim" in in_short(better)[1]
    for _, *said in contents["protocol"]:
        assert all(sentence.replace('"', "&quot;").replace("'", "&#x27;") in protocol for sentence in said)


def test_trials_and_choices(whole):
    section = report.gather(whole)["trials"]
    assert [panel["title"] for panel in section["panels"]] == ["beta 0.25", "beta 0.7"]
    assert sorted(section["panels"][0]["series"]) == ["atan", "fast_sigmoid"]
    assert len(section["panels"][0]["series"]["atan"]) == 4
    assert {choice["surrogate"].split(":")[1] for choice in section["choices"]} == {"4"}
    assert {choice["lr"] for choice in section["choices"]} == {8e-3}
    decided = {(choice["beta"], choice["epochs"], round(choice["behind"], 6)) for choice in section["choices"]}
    assert decided == {(0.25, PLAN.epochs, 0.04), (0.7, PLAN.trial_epochs, 0.004)}  # by another scale, or another rate


def test_the_default_is_the_best_in_full_length(template, tmp_path):
    """Trials prefer scale 4; in full length scale 1 is better, and at the default's beta that decides."""

    def numbers(chosen, epochs, seed):
        accuracy, latency, rate = numbers_of(chosen, epochs, seed)
        better = epochs == PLAN.epochs and not chosen["surrogate"].endswith(":4")
        return accuracy + 0.1 * better, latency, rate

    contents = report.gather(store_of(tmp_path / "s.sqlite", rows_of(template, numbers)))
    chosen = {(choice["beta"], choice["surrogate"]) for choice in contents["trials"]["choices"]}
    assert chosen == {(0.25, "fast_sigmoid:1"), (0.25, "atan:1"), (0.7, "fast_sigmoid:4"), (0.7, "atan:4")}
    assert contents["claims"]["settled"]["default"]["settings"]["surrogate"] == "fast_sigmoid:1"


def test_curves_have_intervals_and_a_ratio_at_equal_accuracy(whole):
    section = report.gather(whole)["curves"]
    assert [len(points) for points in section["lines"].values()] == [2, 2]
    for points in section["lines"].values():
        for point in points:
            value, low, high = point["accuracy"]
            assert low < value < high
    assert section["equal"]["firing_rate"] == pytest.approx((0.10 / 0.12,) * 3)


def test_the_default_read_early(whole):
    section = report.gather(whole)["trade"]
    assert [of["latency"][0] for of in section["early"]] == pytest.approx([255.6, 511.3, 766.9, 1022.5], rel=1e-3)
    assert section["early_step"] == 3  # 0.99 of the accuracy, within 0.02; 0.9 of it is not
    assert [mark["label"] for mark in section["marks"]][0] == "default"


def test_the_fastest_setting_against_the_default_of_other_inputs(whole, template, tmp_path):
    other = store_of(tmp_path / "other.sqlite", rows_of(template, lambda *of: (0.9, 4000.0, 0.1)))
    both = report.gather(whole, against=other)
    against = both["claims"]["list"]
    (claim,) = (claim for claim in against if "digits, against the default on digits" in claim["what"])
    cut, lost = claim["tests"]
    latency = 4000 * (1 - cut["value"])  # of the fastest setting: fewer steps, and early exit at a lead of 2
    assert latency == pytest.approx(0.7 * 0.4 * (0.6 * 1000.0) + 0.7 * (10 * 0.25 + 20), rel=0.02)
    assert claim["note"] == "early exit at a lead of 2" and cut["bar"] == 0.8 and cut["verdict"] == claims.HOLDS
    alone = report.gather(whole)
    assert [claim for claim in against if claim not in alone["claims"]["list"]] == [claim]
    said = [sentence for sentence in in_short(both) if sentence not in in_short(alone)]
    assert len(said) == 1 and said[0].startswith("The") and f"{claim['what'][1:]}, saves" in said[0]

    begun = store_of(tmp_path / "begun.sqlite", rows_of(template, stages=["trials"]))
    with pytest.raises(InputError, match="begun.sqlite has no default to compare with; name"):
        report.gather(whole, against=begun)
    with sqlite3.connect(other) as db:
        db.execute("UPDATE points SET result = json_set(result, '$.test.blocks.images[0]', 41, '$.test.images', 401)")
    db.close()
    with pytest.raises(InputError, match="other.sqlite has other test images"):
        report.gather(whole, against=other)
    sweep = store_of(tmp_path / "sweep.sqlite", rows_of(template, stages=["trials"]), plan=None)
    with pytest.raises(InputError, match="sweep.sqlite is a sweep"):
        report.gather(sweep, against=whole)


def test_sections_of_a_study_that_is_not_finished(template, tmp_path):
    """What rests on stages that are there is shown; the rest says what is missing, and all claims on it are open."""
    contents, text = page_of(store_of(tmp_path / "a.sqlite", rows_of(template, stages=list(STAGES)[:4])))
    lacks = "0 of 4 points are there in stage 5 of 10 (prices)"
    verdicts = {(claim["group"], claim["what"]): claim for claim in contents["claims"]["list"]}
    assert {claim["note"] for claim in verdicts.values() if claim["verdict"] == claims.OPEN} == {lacks}
    decided = {group for (group, _), claim in verdicts.items() if claim["tests"]}
    assert decided == {"firing"}
    assert f"Not everything was reached: {lacks}." in text and lacks in contents["leaks"]["missing"]
    assert contents["reached"]["stages"][4:6] == [["prices", 0, 4], ["learned", 0, None]]


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_is_read_again(tmp_path, name):
    path = store_of(tmp_path / "s.sqlite", [], PLANS[name])
    assert report.gather(path)["about"]["plan"] == asdict(PLANS[name])


def test_a_study_that_has_hardly_begun(template, tmp_path):
    path = store_of(tmp_path / "s.sqlite", [])
    contents, text = page_of(path)
    for name in ("trials", "curves", "leaks", "trade", "timeline", "power", "pitfalls"):
        assert contents[name]["missing"] in text
    assert contents["protocol"][0][1] in text


def test_a_sweep_without_a_plan(template, tmp_path):
    chosen = [setting(PLAN, surrogate=name, beta=beta) for name in ("fast_sigmoid:4", "atan:4") for beta in (0.25, 0.7)]
    rows = [
        (made(template, one, PLAN.epochs, seed), (0.9 - 0.1 * one["beta"], 1000.0 * one["beta"], 0.1))
        for one in chosen
        for seed in (0, 1)
    ]
    contents, text = page_of(store_of(tmp_path / "s.sqlite", rows, plan=None))
    assert contents["claims"]["missing"] in text and "Protocol" not in text
    assert [one["seeds"] for one in contents["trade"]["settings"]] == [2] * 4
    assert contents["leaks"]["betas"] == [0.25, 0.7] and contents["leaks"]["accuracy"][1][0] == pytest.approx(0.83)
    assert {*contents["scales"]["panels"][0]["series"]} == {"fast_sigmoid", "atan"}
    assert set(plot_study.figures(contents)) == {"trade", "scales", "leaks", "timeline"}


def test_cycles_of_firing_passes(whole):
    """Passes of 4, 2 and 1 cycles, by steps; the cycle in which a pass starts is none of its own."""
    parts = report.gather(whole)["timeline"]["parts"]
    assert parts[0]["fires"] == [16, 8, 4] and parts[1]["fires"] in ([8, 4, 2], [16, 8, 4])


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
    path = store_of(tmp_path / "s.sqlite", rows_of(template, stages=["trials"])[:1])
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


@pytest.mark.parametrize(
    "change, words",
    [
        ("json_set(result, '$.validation', NULL)", "points without validation images"),
        ("json_remove(result, '$.test.blocks')", "points without blocks of images"),
    ],
)
def test_results_that_a_sweep_may_lack_and_a_study_may_not(tmp_path, template, change, words):
    for plan in (None, PLAN):
        path = store_of(tmp_path / f"{plan is None}.sqlite", rows_of(template, stages=["trials"]), plan)
        with sqlite3.connect(path) as db:
            db.execute(f"UPDATE points SET result = {change}")
        db.close()
        if plan is None:
            assert report.gather(path)["points"][0]["accuracy"] is not None
        else:
            with pytest.raises(InputError, match=words):
                report.gather(path)


def test_lists_that_do_not_fit(template):
    row = {"point": template, "status": "done", "result": result(0.9, 1000.0, 0.1)}
    assert fault_of_row(row) == ""
    for name in ("firing_rates", "firing_cycles"):
        wrong = copy.deepcopy(row)
        wrong["result"]["test"][name].pop()
        assert name.partition("_cycles")[0] in fault_of_row(wrong)
    for name in ("images", "right", "cycles", "spikes", "right_by_margin"):
        wrong = copy.deepcopy(row)
        wrong["result"]["test"]["blocks"][name].pop()
        assert fault_of_row(wrong) == "result.test.blocks", name
    wrong = copy.deepcopy(row)
    wrong["result"]["test"]["timeline"]["added"][1].append(1)
    assert fault_of_row(wrong) == "result.test.added"


def test_a_fault_of_ours_is_not_blamed_on_the_file(tmp_path, template, monkeypatch):
    def front(points):
        raise KeyError("ours")

    monkeypatch.setattr(sections_of_sweep, "front", front)
    with pytest.raises(KeyError, match="ours"):
        report.gather(store_of(tmp_path / "s.sqlite", rows_of(template, stages=["trials"]), plan=None))


def test_floor_is_that_of_the_pixels(template):
    row = {"point": template, "result": result(0.9, 1000.0, 0.1)}
    floor = results.floor([row])  # begins at 10, 8 cycles of additions, passes of 4, T = 4
    assert (floor["additions"], floor["whole"], floor["one_step"]) == (8, 18 + 4 * 4, 18 + 4)
    assert floor["cut"] == pytest.approx(1 - 34 / 1000)
    rated = copy.deepcopy(row)
    rated["point"]["training"]["encoding"] = "rate"
    assert results.floor([rated]) is None


def test_firing_rate_counts_neurons(template):
    row = {"point": template, "result": {"test": {"firing_rates": [0.5, 0.25, 0.0]}}}
    neurons = np.array([8 * 8 * 32, 128, 10])
    assert results.firing_rate(row) == pytest.approx((0.5 * neurons[0] + 0.25 * neurons[1]) / neurons.sum())


def test_front_against_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(50):
        points = [tuple(pair) for pair in rng.integers(0, 6, (12, 2)).tolist()]  # ties are certain
        slow = {(x, y) for x, y in points if not any((a <= x and b >= y) and (a < x or b > y) for a, b in points)}
        assert sections_of_sweep.front(points) == sorted(slow)


def test_equal_stores_give_equal_files(tmp_path, template):
    rows = rows_of(template)
    for name, some in (("a", rows), ("b", rows[::-1])):
        page.write(report.gather(store_of(tmp_path / f"{name}.sqlite", some)), tmp_path / name)
    names = {path.name for path in (tmp_path / "a").iterdir()}
    tables = {"report.html", "results.csv", "results.json", "claims.json"}
    assert names == tables | {f"{name}.png" for name in OF_STUDY}
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    with open(tmp_path / "a" / "results.csv") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(rows)
    latencies = {line["key"]: float(line["latency"]) for line in lines}
    points = json.loads((tmp_path / "a" / "results.json").read_text())
    assert latencies == {point["key"]: point["latency"] for point in points}


def test_the_range_of_a_ratio_has_every_seed():
    """With one constant alone, a ratio is that of its events: 4 and 5 against 10 and 20."""
    only = dict.fromkeys(energy.CONSTANTS, 0.0) | {"cycles": 1.0}

    def rows(*cycles):
        return [{"result": {"test": {"events": {"pipelined": {"cycles": value}}, "interval": 1}}} for value in cycles]

    found = results.efficiency(Seeds(rows(4.0, 5.0)), Seeds(rows(10.0, 20.0)), 100, only)
    assert found == pytest.approx((15 / 4.5, 10 / 5, 20 / 4))


def test_page_needs_no_other_file(tmp_path, template):
    failed = [(made(template, setting(PLAN), PLAN.epochs, 7), "TrainingError: the loss is <nan>")]
    path = store_of(tmp_path / "s.sqlite", rows_of(template), failed=failed)
    line = {
        "pitfall": "deployed & trained apart",
        "setting": "default",
        "seeds": 2,
        "honest": {"accuracy": 0.9, "latency": 1000.0, "firing_rate": 0.1},
        "wrong": {"accuracy": 0.7, "latency": 900.0, "firing_rate": 0.1},
    }
    with Store(path) as store:
        store.note("pitfalls", [line])
        store.note("command", "minisnn reproduce --out x")
    contents, text = page_of(path)
    assert contents["pitfalls"]["lines"] == [line]
    assert "deployed &amp; trained apart" in text and "-20.00" in text and "minisnn reproduce --out x" in text
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', text)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert len([source for source in sources if source.startswith("data:")]) == 2 * len(OF_STUDY)
    assert not re.search(r"<script|<link|@import|url\(", text)
    for name, heading in page.HEADINGS.items():
        assert (f">{heading}</h2>" in text) == (name not in ("scales", "authors")), heading
    assert "TrainingError: the loss is &lt;nan&gt;" in text and "<nan>" not in text
    assert "MODELLED" in text and text.count("Horowitz") > 3
    targets = re.findall(r'id="([^"]*)"', text)
    assert {source[1:] for source in sources if source.startswith("#")} <= set(targets)


def test_command(tmp_path, whole, capsys):
    assert main(["report", str(whole), "--out", str(tmp_path / "out"), "--clock-mhz", "50"]) == 0
    said = capsys.readouterr().out
    assert "holds" in said and str(tmp_path / "out" / "report.html") in said
    (tmp_path / "c.json").write_text('{"static": 0}')
    assert main(["report", str(whole), "--out", str(tmp_path / "out"), "--constants", str(tmp_path / "c.json")]) == 0
    assert 1 == (tmp_path / "out" / "report.html").read_text().count(">given<")


def test_figures_of_an_earlier_report_are_removed(tmp_path, whole):
    page.write(report.gather(whole), tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("stays")
    page.write(report.gather(store_of(tmp_path / "e.sqlite", [])), tmp_path / "out")
    tables = {"report.html", "results.csv", "results.json", "claims.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"mine.txt"} | tables


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
        (["{}/old.sqlite"], "has a plan of another version of minisnn; use that version"),
    ],
)
def test_an_error_is_one_sentence(tmp_path, capsys, words, said):
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("This is no file of results, however long its only line may be.")
    store_of(tmp_path / "s.sqlite", [])
    with Store(tmp_path / "old.sqlite") as store:
        store.note("plan", {"dataset": "svhn", "screening": 8})
    assert main(["report", *[word.format(tmp_path) for word in words], "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert not (tmp_path / "out").exists() and (tmp_path / "empty").stat().st_size == 0


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        page.write(report.gather(store_of(tmp_path / "s.sqlite", [])), tmp_path / "file" / "out")
