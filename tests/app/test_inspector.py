"""The inspector's page stores what the trace contains, needs no other file, and shows what it stores."""

import json
import os
import re
import select
import shutil
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.fixed.quantize import dequantised
from minisnn.inspector import trace as traces
from minisnn.inspector.doing import PHASES, WORKS
from minisnn.inspector.factors import Factors
from minisnn.inspector.pack import decoded
from minisnn.inspector.page import WEB, checked, page
from minisnn.inspector.tables import WEIGHTS

from ..hw.networks import random_inputs, random_network
from ..test_trace import CASES, EXITS, ended_early, model_of, traced

ALL = [*CASES, "spikes"]
IDS = [case[0] for case in CASES] + ["spikes"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def spiking(seed):
    """Return (network, trace) of a network that takes spikes and has narrow membranes."""
    rng = np.random.default_rng(seed)
    network = random_network("6C3-3C2-4", (5, 6, 2), rng, padding=[1, 0], membrane_bits=7, threshold=12)
    model = replace(model_of(network, 4), encoder=Encoder("rate", 4, 1.0, (0.0,), (1.0,)))
    trace = traces.trace(model, rng.random((5, 6, 2), np.float32), (3, 2, 3))
    assert all(0 < np.count_nonzero(frames) < frames.size for frames in trace.frames)
    return network, trace


def made(case, seed):
    """Return (network, trace) of a case of test_trace.py, or of :func:`spiking`."""
    if case == "spikes":
        return spiking(seed)
    network, _, trace, _, _ = traced(case, seed)
    return network, trace


def backward(network, trace):
    """Return the backward pass of the traced image in the float network that the integers stand for."""
    model = model_of(network, trace.num_steps)
    net = dequantised(model).network
    inputs = trace.frames[0][:, None].astype(float)
    return Factors(net, inputs.reshape(len(inputs), 1, *net.input_shape), 1, trace.num_steps)


# What is stored


@pytest.mark.parametrize("case", ALL, ids=IDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_page_stores_every_cycle(case, seed):
    """The answer of ``at`` for every cycle."""
    trace = made(case, seed)[1]
    _, arrays = decoded(page(trace))
    for cycle in range(trace.latency):
        for layer, doing in enumerate(trace.at(cycle)):
            stored = {name: arrays[f"{layer}.at.{name}"][cycle] for name in ("phase", "step", *WORKS)}
            assert PHASES[stored.pop("phase")] == doing.phase
            assert stored == {name: getattr(doing, name) for name in stored}, cycle


@pytest.mark.parametrize("name", EXITS)
def test_the_page_of_an_image_that_ends_early(name):
    """It stores every cycle until nothing is left, says which steps are dropped, and lists the leads."""
    trace = ended_early(name, 5)[2]
    text = page(trace)
    about, arrays = decoded(text)
    assert about["cycles"] == trace.span and about["decided"] == trace.exit.decided
    for layer in range(len(trace.lanes)):
        assert about["layers"][layer]["dropped"] == (~trace.fired[layer]).tolist()
        for field in ("phase", "step", *WORKS):
            stored = arrays[f"{layer}.at.{field}"].tolist()
            stored = [PHASES[value] for value in stored] if field == "phase" else stored
            assert stored == [getattr(trace.at(cycle)[layer], field) for cycle in range(trace.span)], field
        for field in ("turn_cycle", "known_cycle"):
            assert ((arrays[f"{layer}.{field}"] == -1).all(axis=1) == ~trace.fired[layer]).all()
    rows = re.findall(r'<tr class="(\w*)">(.*?)</tr>', text.partition('<table id="leads">')[2].partition("</table>")[0])
    shown = [[int(cell) for cell in re.findall(r">(\d+)<", row)] for _, row in rows]
    taken, left = trace.steps_taken, trace.network.neurons_per_class * np.arange(7, -1, -1)
    assert [row[-1] for row in shown] == np.minimum(left, trace.exit.margin).tolist()
    assert [kind for kind, _ in rows] == [""] * (taken - 1) + ["chosen"] + ["dim"] * (8 - taken)
    assert [lead >= limit for *_, lead, _, limit in shown].index(True) == taken - 1
    for row, totals in zip(shown, trace.exit.totals.tolist()):
        best = max(totals)
        assert row[1:3] == [totals.index(best), best]
    assert f"answered after {taken} of 8 steps" in text
    network, _, whole, _, _ = traced(CASES[0], 7)
    assert "exit-title" not in page(whole).partition("<script>")[0] and decoded(page(whole))[0]["decided"] is None


def sum_in(about, arrays, layer, neuron, step):
    """Return the stored additions to a neuron as the page's script selects them; None if they were left out."""

    def of(name):
        return arrays[f"{layer}.{name}"]

    channel = neuron % len(of("column"))
    slot, column = of("slot")[neuron // len(of("column"))], of("column")[channel]
    if slot < 0 or column < 0:
        return None
    start = of("start")[0 if about["layers"][layer]["constant"] else step]
    some = slice(start[slot], start[slot + 1])
    additions = {
        "address": of("address")[some],
        "tap": of("tap")[some],
        "weight": of("w")[of("row")[some], channel],
        "cycle": of("cycle")[some, of("group")[channel]],
        "sum": of("sums")[some, column],
    }
    constant = about["layers"][layer]["constant"]
    additions["adds"] = of("adds")[some, column] if constant else of("shifted")[of("row")[some], channel]
    additions["value"] = of("value")[some] if constant else np.ones(len(additions["sum"]), int)
    return additions


def check_sum(additions, why, kernel):
    """Assert that stored additions are those of the trace."""
    for name in ("address", "weight", "cycle", "sum", "adds", "value"):
        assert additions[name].tolist() == why.additions[name].tolist(), name
    assert additions["tap"].tolist() == (why.additions["ky"] * kernel + why.additions["kx"]).tolist()


@pytest.mark.parametrize("case", ALL, ids=IDS)
def test_the_page_stores_the_trace(case):
    """Every membrane and sum, of all neurons and steps."""
    network, trace = made(case, 7)
    about, arrays = decoded(page(trace))
    for layer, integers in enumerate(network.layers):
        assert about["layers"][layer]["sums"] == "all"
        kernel = about["layers"][layer]["kernel"]
        for neuron in range(integers.layer.neurons):
            for step in range(4):
                why = trace.why(layer, neuron, step)
                check_sum(sum_in(about, arrays, layer, neuron, step), why, kernel)
                expected = {"mem": why.membrane, "kept": why.kept}
                expected |= {"turn_cycle": why.turn_cycle, "known_cycle": why.known_cycle}
                for name, value in expected.items():
                    assert arrays[f"{layer}.{name}"][step, neuron] == value, name
                assert arrays[f"{layer}.kept"][step + 1, neuron] == why.kept_after
                assert arrays[f"{layer}.cur"][0 if trace.constant(layer) else step, neuron] == why.current
                assert arrays[f"{layer}.mem_float"][step, neuron] == np.float32(why.membrane_float)
                assert arrays[f"{layer}.cur_float"][step, neuron] == np.float32(why.current_float)
                assert arrays[f"{layer}.mem_unit"][step, neuron] == np.float32(why.membrane * why.unit)
                assert arrays[f"{layer}.bias"][neuron % integers.w.shape[-1]] == why.bias
        spikes = np.unpackbits(arrays[f"{layer}.spk"], axis=1, bitorder="little")[:, : integers.layer.neurons]
        assert (spikes == trace.spk[layer].reshape(4, -1)).all()


def test_sums_that_saturate():
    """Running sums saturate as in the gates; the stimulus reaches the edge, and leaves it."""
    network, trace = spiking(2)
    about, arrays = decoded(page(trace))
    edge, kernel = network.layers[1].high, network.layers[1].layer.w_shape[0]
    sums = [sum_in(about, arrays, 1, neuron, 3) for neuron in range(network.layers[1].layer.neurons)]
    assert any((additions["sum"][:-1] == edge).any() and additions["sum"][-1] != edge for additions in sums)
    for neuron, additions in enumerate(sums):
        check_sum(additions, trace.why(1, neuron, 3), kernel)


@pytest.mark.parametrize("layer, neuron", [(0, 31), (1, 4)])
def test_sums_that_do_not_fit_are_left_out_except_the_one_asked_for(layer, neuron):
    network, _, trace, _, _ = traced(CASES[0], 7)
    whole, least = page(trace), page(trace, layer=layer, neuron=neuron, limit=0)
    about, arrays = decoded(least)
    assert len(least) < len(whole)
    stored = [of_layer["sums"] for of_layer in about["layers"]]
    assert stored == ["some" if index == layer else "none" for index in range(3)]
    check_sum(sum_in(about, arrays, layer, neuron, 1), trace.why(layer, neuron, 1), about["layers"][layer]["kernel"])
    left_out = (neuron + 8) % network.layers[layer].layer.neurons
    assert sum_in(about, arrays, layer, left_out, 1) is None
    assert about["opening"] == {"layer": layer, "neuron": neuron, "step": about["opening"]["step"]}


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7])
def test_the_limit_is_kept(share):
    """Neurons that spike most are stored first, and the page is no larger than the limit."""
    rng = np.random.default_rng(1)
    network = random_network("16C3-MP2-64-5", (12, 12, 1), rng, padding=1, input_bits=4, threshold=12)
    trace = traces.trace(model_of(network, 6), random_inputs(network, 6, 1, rng)[0, 0])
    least, whole = len(page(trace, limit=0)), len(page(trace))
    limit = int(least + share * (whole - least))
    text = page(trace, limit=limit)
    about, arrays = decoded(text)
    assert least < len(text) <= limit
    stored = [of_layer["sums"] for of_layer in about["layers"]]
    for layer in range(len(stored)):
        kept = arrays[f"{layer}.slot" if layer == 0 else f"{layer}.column"] >= 0
        assert stored[layer] == ("all" if kept.all() else "some" if kept.any() else "none")
        if stored[layer] == "some":
            spikes = trace.spk[0].sum(axis=(0, 3)).reshape(-1) if layer == 0 else trace.spk[layer].sum(axis=0)
            assert spikes[kept].min() >= spikes[~kept].max()
    assert "some" in stored or share == 0.1


def test_training_is_the_factors():
    network, _, trace, _, _ = traced(CASES[0], 7)
    factors = backward(network, trace)
    about, _ = decoded(page(trace, factors))
    for layer, listed in enumerate(about["training"]["layers"]):
        grad = factors.grads[2 * layer]
        assert len(listed) == min(WEIGHTS, grad.size)
        assert np.abs([stored["bptt"] for stored in listed]).min() == np.sort(np.abs(grad).reshape(-1))[-len(listed)]
        for stored in listed:
            weight = factors.of(layer, tuple(stored["weight"]))
            assert stored["gradient"] == weight.gradient and abs(stored["bptt"] - weight.gradient) < 1e-12
            assert np.allclose(np.sum(stored["total"]), weight.gradient, rtol=0, atol=1e-12)
            by_neuron = np.sum(stored["products"], axis=0) + stored["rest"]
            assert np.allclose(by_neuron, stored["total"], rtol=1e-5, atol=1e-9)
            columns = [weight.neurons.tolist().index(n) for n in stored["neurons"]]
            for name in ("error", "surrogate", "direct", "trace", "inputs", "products"):
                assert np.allclose(np.array(stored[name]).T, getattr(weight, name)[:, columns], rtol=1e-6), name


def test_the_page_needs_no_other_file():
    text = page(traced(CASES[0], 7)[2])
    bare = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    assert not re.search(r"https?:|//\w+\.|@import|url\(|fetch\(|XMLHttpRequest|import\s*\(", bare)
    assert re.findall(r'(?:src|href)="([^"]*)"', bare) == ["data:,"]


def test_plain_text_stays_text():
    network, _, trace, _, _ = traced(CASES[0], 7)
    trace.about |= {"dataset": "<script>alert(1)</script>", "label": "</dl>"}
    text = page(trace)
    assert "<script>alert" not in text and "</dl>," not in text


@pytest.mark.parametrize(
    "about, words",
    [
        ({}, "Not compared with gates"),
        ({"checked": "by eye"}, "By eye."),
        ({"checked": {"simulator": "myhdl", "spikes": 0, "cycles": 0}}, "in MyHDL for this image: no difference."),
        (
            {"checked": {"simulator": "ghdl", "spikes": 0, "cycles": 1200}},
            "for this image: THEY DIFFER in 1,200 cycles.",
        ),
    ],
)
def test_the_page_says_how_it_was_checked(about, words):
    trace = traced(CASES[3], 7)[2]
    trace.about |= about
    assert words in checked(trace.about) and words in page(trace)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"layer": 3, "neuron": 0}, "layer must be"),
        ({"layer": 1, "neuron": 10**6}, "neuron must be"),
        ({"step": 4}, "step must be"),
        ({"neuron": 1}, "give both"),
    ],
)
def test_an_opening_outside_the_trace_is_an_error(options, words):
    with pytest.raises(InputError, match=words):
        page(traced(CASES[0], 7)[2], **options)


def test_a_damaged_trace_and_a_foreign_backward_pass_are_errors():
    network, _, trace, _, _ = traced(CASES[0], 7)
    other, _, its_trace, _, _ = traced(CASES[3], 7)
    with pytest.raises(InputError, match="another network"):
        page(trace, backward(other, its_trace))
    trace.mem[1][2].reshape(-1)[3] += 1
    with pytest.raises(InputError, match="damaged"):
        page(trace)


# What is shown


class Browser:
    """Headless Chromium, driven through a pipe: real clicks and keys, and every error and warning that it logs."""

    def __init__(self, profile):
        (commands, self._to), (self._from, answers) = os.pipe(), os.pipe()

        def connect():  # Chromium reads commands from 3 and writes answers to 4
            copies = os.dup(commands), os.dup(answers)
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--remote-debugging-pipe",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
        ]
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            preexec_fn=connect,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._asked, self._read, self._session = 0, b"", {}
        self.complaints, self.addresses = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for part in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{part}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)

    def call(self, method, **params):
        """Return the answer to a command of the DevTools protocol."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": params} | self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._read:
                assert select.select([self._from], [], [], 60)[0], f"Chromium does not answer to {method}"
                more = os.read(self._from, 1 << 20)
                assert more, "Chromium has ended"
                self._read += more
            text, self._read = self._read.split(b"\0", 1)
            answer = json.loads(text)
            self._watch(answer.get("method"), answer.get("params"))
            if answer.get("id") == self._asked:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def _watch(self, event, params):
        if event == "Runtime.exceptionThrown" or event == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params)
        if event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(params)
        if event == "Network.requestWillBeSent":
            self.addresses.append(params["request"]["url"])

    def js(self, text):
        """Return the value of an expression."""
        answer = self.call("Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, (text, answer["exceptionDetails"])
        return answer["result"].get("value")

    def open(self, path):
        self.call("Page.navigate", url=path.as_uri())
        self.wait(
            "document.querySelector('#at tbody') && document.querySelector('#sum #turn')"
            " && document.getElementById('cycle-number').value !== '0'"
        )

    def wait(self, condition):
        """Wait until the condition holds and every change is drawn."""
        until = time.monotonic() + 30
        while not self.js(
            f"document.readyState === 'complete' && !document.querySelector('[aria-busy=true]') && !!({condition})"
        ):
            assert time.monotonic() < until, f"never: {condition}"
            time.sleep(0.02)
        self.drawn()

    def drawn(self):
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def set(self, name, value, event="input"):
        """Give an input element a value, as a user would."""
        self.js(
            f"(i => {{ i.value = {value}; i.dispatchEvent(new Event('{event}', {{bubbles: true}})); }})"
            f"(document.getElementById('{name}'))"
        )

    def key(self, name):
        code = {
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
            "Tab": 9,
            "PageDown": 34,
            "End": 35,
            "Home": 36,
        }[name]
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)
        self.drawn()

    def click(self, selector, x=0.5, y=0.5):
        """Click at a share of an element's width and height, or, from 1 on, at pixels from its corner."""
        box = self.js(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            f" return [b.x, b.y, b.width, b.height]; }})(document.querySelector({json.dumps(selector)}))"
        )
        at = {"x": box[0] + (x * box[2] if x < 1 else x), "y": box[1] + (y * box[3] if y < 1 else y)}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
        self.drawn()

    def value(self, name):
        return int(self.js(f"document.getElementById('{name}').value"))

    def table(self, name):
        """Return the texts of the cells of a table's body."""
        return self.js(
            f"[...document.querySelectorAll('#{name} tbody tr')].map(r => [...r.querySelectorAll('td')]"
            f".map(d => d.textContent))"
        )

    def text(self, selector):
        return self.js(f"document.querySelector({json.dumps(selector)}).textContent")

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def opened(browser, tmp_path, request):
    """Yield (browser, network, trace, factors) of a case, its page open; a logged error fails the test."""
    network, trace = made(ALL[request.param], 7)
    trace.about |= {"label": 1, "image": 3}
    factors = backward(network, trace)
    (tmp_path / "inspect.html").write_text(page(trace, factors))
    browser.complaints.clear()
    browser.addresses.clear()
    browser.open(tmp_path / "inspect.html")
    yield browser, network, trace, factors
    browser.drawn()
    assert browser.complaints == []
    assert all(address.startswith(("file:", "data:", "blob:")) for address in browser.addresses)


every = pytest.mark.parametrize("opened", range(len(ALL)), ids=IDS, indirect=True)
first = pytest.mark.parametrize("opened", [0], ids=IDS[:1], indirect=True)


def number(text):
    """Return a shown text as an integer."""
    return int(re.sub("[, ]", "", text.replace("\u2212", "-").replace("+", "")))


@every
def test_a_neuron_is_shown_as_why_says(opened):
    browser, network, trace, _ = opened
    rng = np.random.default_rng(0)
    edge = network.layers[1].high
    cut = [
        n for n in range(network.layers[1].layer.neurons) if (trace.why(1, n, 3).additions["sum"][:-1] == edge).any()
    ]
    assert cut or network.layers[1].membrane_bits > 8  # one of the networks has sums that saturate
    if cut:
        browser.set("layer", 1, "change")
        browser.wait("true")
        neuron = cut[0]
        browser.set("neuron", neuron)
        browser.set("step", 3)
        browser.drawn()
        assert f"saturated at {edge}" in browser.text("#cut")
        check_neuron(browser, trace, 1, neuron, 3)
    for layer, integers in enumerate(network.layers):
        browser.set("layer", layer, "change")
        browser.wait("true")
        for neuron in rng.choice(integers.layer.neurons, 3, replace=False).tolist():
            step = int(rng.integers(4))
            browser.set("neuron", neuron)
            browser.set("step", step)
            browser.drawn()
            check_neuron(browser, trace, layer, neuron, step)


def check_neuron(browser, trace, layer, neuron, step):
    """Assert that the page shows what ``why`` returns: the table of steps, the additions, the equation, the verdict."""
    check_steps(browser, trace, layer, neuron)
    check_additions(browser, trace, layer, neuron, step)
    integers, why = trace.network.layers[layer], trace.why(layer, neuron, step)
    constant = trace.constant(layer)
    result = why.current if constant else why.membrane
    assert number(browser.text("#equation b")) == result
    cut = not constant and np.isin(why.additions["sum"], (integers.low, integers.high)).any()
    assert cut == browser.js("!!document.getElementById('cut')")
    verdict = browser.text("#verdict")
    assert (" a spike." in verdict) == bool(why.spike)
    assert number(browser.text("#turn")) == why.turn_cycle and number(browser.text("#known")) == why.known_cycle


def check_steps(browser, trace, layer, neuron):
    rows = browser.table("steps")
    assert len(rows) == trace.num_steps
    for t, row in enumerate(rows):
        why = trace.why(layer, neuron, t)
        integers = [t, why.kept, why.current, why.membrane, why.spike, why.kept_after, why.turn_cycle, why.known_cycle]
        assert [number(row[i]) for i in (0, 1, 2, 3, 7, 9, 10, 11)] == integers
        floats = [why.membrane * why.unit, why.membrane_float, why.current_float]
        shown = [float(row[i].replace("\u2212", "-")) for i in (4, 5, 6)]
        assert np.allclose(shown, floats, rtol=1e-6, atol=6e-5)


def check_additions(browser, trace, layer, neuron, step):
    why = trace.why(layer, neuron, step)
    shape, constant = trace.shape(layer), trace.constant(layer)
    rows = browser.table("additions")
    begin, *rows, end = [None, *rows] if constant else rows
    assert constant or number(begin[-1]) == why.kept
    assert [number(end[-2]), number(end[-1])] == [why.bias, why.current if constant else why.membrane]
    names = ["cycle", *(["from"] if layer else []), "address"]
    if len(shape.in_shape) == 3:
        names += ["row", "column", "channel"]
    names += ["tap"] * (shape.kind == "conv2d") + ["value"] * constant + ["weight", "adds", "sum"]
    assert len(rows) == len(why.additions)
    for row, addition in zip(rows, why.additions):
        shown = dict(zip(names, row, strict=True))
        assert {name: number(shown[name]) for name in ("cycle", "address", "weight", "adds", "sum")} == {
            name: addition[name] for name in ("cycle", "address", "weight", "adds", "sum")
        }
        if shape.kind == "conv2d":
            assert shown["tap"] == f"{addition['ky']}, {addition['kx']}"
            assert [number(shown[name]) for name in ("row", "column", "channel")] == [
                addition[name] for name in ("row", "column", "channel")
            ]
        if layer:  # the neuron of the layer before that spiked, whose layer is shown counted from 1
            before, source = map(int, shown["from"].split(": "))
            assert before == layer and trace.spk[layer - 1][step].reshape(-1)[source]
            assert pooled(trace, layer - 1, source) == addition["address"]
    assert browser.text("#equation").endswith(f"= {end[-1]}")


def pooled(trace, layer, neuron):
    """Return the address of a neuron's spike in the next layer's frame."""
    row, column, channel = trace.place(layer, neuron)
    shape = trace.shape(layer)
    width = shape.out_shape[1] // shape.pool if len(shape.out_shape) == 3 else 1
    return (row // shape.pool * width + column // shape.pool) * shape.out_shape[-1] + channel


@every
def test_a_cycle_is_shown_as_at_says(opened):
    browser, network, trace, _ = opened
    names = ("phase", "step", *WORKS)
    rng = np.random.default_rng(1)
    for cycle in [0, trace.latency - 1, *rng.integers(trace.latency, size=12).tolist()]:
        browser.set("cycle", cycle)
        browser.drawn()
        shown, states = browser.js("""[Object.fromEntries([...document.querySelectorAll('#at tbody tr')].map(
            r => [r.dataset.name, [...r.querySelectorAll('td')].map(d => d.textContent)])),
            [...document.querySelectorAll('.state')].map(p => p.textContent)]""")
        states = states[-len(network.layers) :]  # the input has none
        for layer, doing in enumerate(trace.at(cycle)):
            for name in names:
                value = getattr(doing, name)
                expected = value if name == "phase" else "\u2013" if value < 0 else f"{value:,}"
                assert shown[name][layer] == expected, (cycle, name)
            state = f"idle after step {doing.step}" if doing.phase == "idle" else f"{doing.phase}, step {doing.step}"
            assert states[layer] == ("idle" if doing.step < 0 else state)
        assert browser.value("cycle-number") == cycle


def test_a_dropped_step_is_shown_as_such(browser, tmp_path):
    trace = ended_early("taps and spikes", 6)[2]
    (tmp_path / "inspect.html").write_text(page(trace))
    browser.complaints.clear()
    browser.open(tmp_path / "inspect.html")
    browser.set("layer", 1, "change")
    browser.set("step", 7)
    browser.wait("document.querySelector('#layer-1 .caption').textContent === 'step 7: dropped'")
    assert "was dropped" in browser.text("#equation") and browser.table("additions") == []
    dashes = [row.count("\u2013") > 4 for row in browser.table("steps")]
    assert dashes == (~trace.fired[1]).tolist()
    browser.click("#follow")
    assert browser.value("cycle") == trace.exit.decided and "was dropped" in browser.text("#tour-words")
    browser.click("#exit-section a[href^='#step']")
    browser.wait(f"document.getElementById('step').value === '{trace.steps_taken - 1}'")
    browser.set("cycle", trace.span - 1)
    browser.drawn()
    assert browser.value("cycle-number") == trace.span - 1 and browser.complaints == []


@first
def test_keys_and_clicks(opened):
    browser, network, trace, _ = opened
    for name in ("step", "cycle"):  # real keys
        browser.set(name, 1)
        browser.js(f"document.getElementById('{name}').focus()")
        browser.key("ArrowRight")
        assert browser.value(name) == 2
        browser.key("ArrowLeft")
        browser.key("ArrowLeft")
        assert browser.value(name) == 0
    assert browser.text("#steps tr.chosen td") == "0" and browser.text("#at-cycle") == "0"
    browser.js("document.getElementById('gantt').focus()")
    browser.key("ArrowRight")
    assert browser.value("cycle") == 1
    browser.key("End")
    assert browser.value("cycle") == trace.latency - 1
    browser.click("#gantt", 0.5 * 1172 + 108, 20)
    assert abs(browser.value("cycle") / trace.latency - 0.5) < 0.05
    browser.click("#zoom-in")
    assert abs(browser.value("cycle") / trace.latency - 0.5) < 0.05
    browser.click("#layer-1 canvas", 5, 5)  # its first square
    browser.wait("document.getElementById('layer').value === '1'")
    assert browser.value("neuron") == 0
    browser.key("ArrowRight")
    assert browser.value("neuron") == 1
    browser.click("#additions td button")
    assert browser.value("cycle") == trace.why(1, 1, 0).additions["cycle"][0]
    assert browser.text("#additions tr.now td") == f"{browser.value('cycle'):,}"
    browser.click("#additions tbody tr:nth-child(2) td:nth-child(2) button")  # back to the neuron that spiked
    browser.wait("document.getElementById('layer').value === '0'")
    assert pooled(trace, 0, browser.value("neuron")) == trace.why(1, 1, 0).additions["address"][0]
    browser.click("#steps tr[data-step='3'] td")
    assert browser.value("step") == 3
    browser.click("#turn")
    assert browser.value("cycle") == trace.why(0, browser.value("neuron"), 3).turn_cycle
    browser.js("document.activeElement.blur()")


@first
def test_it_opens_on_an_addition_and_keeps_its_state_in_the_address(opened):
    browser, network, trace, _ = opened
    at = {name: browser.value(name) for name in ("layer", "neuron", "step", "cycle")}
    assert any(doing.adding >= 0 for doing in trace.at(at["cycle"])), "something happens in the first cycle"
    additions = trace.why(at["layer"], at["neuron"], at["step"]).additions
    assert at["cycle"] == additions["cycle"][np.argmax(additions["adds"])]
    address = f"#layer={at['layer'] + 1}&neuron={at['neuron']}&step={at['step']}&cycle={at['cycle']}"
    assert browser.js("location.hash") == address
    browser.js("location.hash = '#layer=2&neuron=1&step=3&cycle=5'")
    browser.wait("document.getElementById('cycle').value === '5'")
    assert [browser.value(name) for name in ("layer", "neuron", "step")] == [1, 1, 3]
    browser.js(f"location.hash = '#cycle={trace.latency}'")
    browser.wait("document.getElementById('refused').textContent")
    assert browser.text("#refused") == f"There is no cycle {trace.latency}: choose one from 0 to {trace.latency - 1:,}."
    assert browser.value("cycle") == 5


@first
def test_an_impossible_cycle_is_refused_with_a_word(opened):
    browser, _, trace, _ = opened
    before = browser.value("cycle")
    for wrong in (trace.latency, -1, 1.5):
        browser.set("cycle-number", wrong)
        browser.drawn()
        assert f"There is no cycle {wrong}" in browser.text("#refused") and browser.value("cycle") == before
    browser.set("cycle-number", 3)
    browser.drawn()
    assert browser.value("cycle") == 3 and browser.text("#refused") == ""


@first
def test_it_plays(opened):
    browser, _, trace, _ = opened
    browser.set("cycle", 0)
    browser.set("speed", 256, "change")
    browser.click("#play")
    browser.wait("+document.getElementById('cycle').value > 3")
    browser.click("#play")
    at = browser.value("cycle")
    browser.drawn()
    assert browser.value("cycle") == at and browser.text("#play") == "Play"
    browser.set("cycle", trace.latency - 2)
    browser.click("#play")
    browser.wait("document.getElementById('play').textContent === 'Play'")
    assert browser.value("cycle") == trace.latency - 1


@first
def test_the_tour_follows_a_spike(opened):
    browser, _, trace, _ = opened
    layer, neuron, step = (browser.value(name) for name in ("layer", "neuron", "step"))
    why = trace.why(layer, neuron, step)
    browser.click("#follow")
    words, cycles = [], []
    while not browser.js("document.getElementById('tour').hidden"):
        words.append(browser.text("#tour-words"))
        cycles.append(browser.value("cycle"))
        browser.click("#tour-next")
    most = int(np.argmax(why.additions["adds"]))
    added = int(why.additions["cycle"][most])
    assert cycles == [why.turn_cycle, added, added, added, why.turn_cycle, why.known_cycle]
    assert words[0].startswith("1 of 6: ") and f"cycle {added:,}" in words[2]
    assert f"{why.membrane:,}".replace("-", "\u2212") in words[0] and ("spikes" in words[5]) == bool(why.spike)


def test_every_colour_has_a_value_in_both_modes():
    """A variable that names itself would be no colour at all."""
    style = (WEB / "page.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", part)) for part in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    used = set(re.findall(r"var\(--([\w-]+)\)", style))
    assert used <= set(light) == set(dark)


def test_it_has_a_dark_mode(browser, tmp_path):
    (tmp_path / "inspect.html").write_text(page(traced(CASES[0], 7)[2]))
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.open(tmp_path / "inspect.html")
    shown = browser.js("['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])")
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert shown == ["rgb(19, 20, 22)", "rgb(230, 237, 243)"]


@first
def test_tab_goes_from_left_to_right(opened):
    browser = opened[0]
    browser.js("document.getElementById('step').focus()")
    stops = []
    for _ in range(14):
        browser.key("Tab")
        stops.append(browser.js("document.activeElement.id || document.activeElement.parentElement.id"))
    assert stops == [
        "cycle",
        "cycle-number",
        "play",
        "speed",
        "follow",
        "shows-step",
        "layer-0",
        "layer-1",
        "layer-2",
        "zoom-in",
        "zoom-out",
        "zoom-all",
        "gantt",
        "layer",
    ]


@every
def test_every_square_is_its_neuron(opened):
    """The pointer over a square shows its neuron, and every neuron has a square."""
    browser, network, trace, _ = opened
    for layer, integers in enumerate(network.layers):
        seen = browser.js(f"""(card => {{
            const canvas = card.querySelector('canvas'), box = canvas.getBoundingClientRect(), seen = new Set();
            for (let x = 1; x < box.width; x += 5) for (let y = 1; y < box.height; y += 5) {{
                canvas.dispatchEvent(new MouseEvent('mousemove', {{clientX: box.x + x, clientY: box.y + y}}));
                seen.add(card.querySelector('.over').textContent.trim());
            }}
            return [...seen].filter(text => text); }})(document.getElementById('layer-{layer}'))""")
        places = [trace.place(layer, n) for n in range(integers.layer.neurons)]
        is_map = len(integers.layer.out_shape) == 3
        assert sorted(seen) == sorted(
            f"neuron {n}" + f" row {r}, column {c}, channel {m}" * is_map for n, (r, c, m) in enumerate(places)
        )


@first
def test_maps_show_the_spikes(opened):
    """The canvas has as many blue squares as there are spikes; in a cycle, only spikes that are known."""
    browser, network, trace, _ = opened
    count = """(canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        let blue = 0, pale = 0; for (let i = 0; i < d.length; i += 4) {
            if (d[i] === 11 && d[i + 1] === 87) blue++; if (d[i] === 169 && d[i + 1] === 200) pale++; }
        return [blue, pale]; })(document.querySelector('#layer-0 canvas'))"""
    browser.set("step", 2)
    browser.drawn()
    spikes = trace.spk[0].reshape(4, -1)
    square = browser.js(count)[0] / spikes[2].sum()
    assert spikes[2].any() and square == int(square) > 1
    known_cycles = np.array([trace.why(0, n, 2).known_cycle for n in range(spikes.shape[1])])
    cycle = next(int(cycle) for cycle in known_cycles[spikes[2] > 0] if trace.at(cycle)[1].adding < 0)
    known = known_cycles <= cycle
    assert 0 < spikes[2][known].sum() < spikes[2].sum()  # some are known, others not
    browser.set("cycle", cycle)
    browser.click("#shows-cycle")
    browser.wait("document.querySelector('#layer-0 .caption').textContent.includes('cycle')")
    browser.wait("true")
    assert browser.js(count) == [square * spikes[2][known].sum(), square * spikes[1][~known].sum()]


@first
def test_training_is_shown(opened):
    browser, network, trace, factors = opened
    for layer in range(3):
        browser.set("training-layer", layer, "change")
        browser.set("training-weight", 2, "change")
        grad = factors.grads[2 * layer]
        weight = np.unravel_index(np.argsort(-np.abs(grad).reshape(-1), kind="stable")[2], grad.shape)
        of = factors.of(layer, tuple(int(i) for i in weight))
        shown = [
            float(text.replace("\u2212", "-"))
            for text in browser.js("[...document.querySelectorAll('#training-sum b')].map(b => b.textContent)")
        ]
        assert np.allclose(shown, [of.gradient, grad[weight]], rtol=1e-6)
        which = int(np.argmax(np.abs(of.products).sum(axis=0)))
        rows = browser.table("training-table")[:4]
        shown = np.array([[float(text.replace("\u2212", "-")) for text in row] for row in rows])
        factors_of_weight = (of.error, of.surrogate, of.inputs, of.trace, of.products)
        expected = np.stack([values[:, which] for values in factors_of_weight], 1)
        assert np.allclose(shown[:, 1:6], expected, rtol=1e-6, atol=6e-5)
        assert np.allclose(shown[:, 5], expected[:, 4], rtol=1e-6)


@first
def test_a_phone_scrolls_one_way(opened):
    browser = opened[0]
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    browser.drawn()
    assert browser.js("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    browser.drawn()
    assert browser.js("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_an_image_without_a_spike(browser, tmp_path):
    """The page shows that nothing is added."""
    network, _ = made(CASES[0], 7)
    trace = traces.trace(model_of(network, 4), np.zeros((6, 5, 2), np.uint8), (2, 3, 1))
    (tmp_path / "inspect.html").write_text(page(trace, layer=0, neuron=3, step=1))
    browser.complaints.clear()
    browser.open(tmp_path / "inspect.html")
    check_neuron(browser, trace, 0, 3, 1)
    assert len(browser.table("additions")) == 1 and browser.complaints == []


def test_the_page_says_what_is_not_stored(browser, tmp_path):
    network, _, trace, _, _ = traced(CASES[0], 7)
    (tmp_path / "inspect.html").write_text(page(trace, layer=1, neuron=3, step=1, limit=0))
    browser.complaints.clear()
    browser.open(tmp_path / "inspect.html")
    check_neuron(browser, trace, 1, 3, 1)
    browser.set("neuron", 2)
    browser.drawn()
    assert "not stored; make the page with --layer 2 --neuron 2." in browser.text("#equation")
    assert browser.table("additions") == [] and len(browser.table("steps")) == 4
    assert browser.complaints == []
