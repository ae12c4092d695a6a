"""A layer of the accelerator against the integers: every spike of every step, in MyHDL and as VHDL."""

import shutil

import numpy as np
import pytest
from myhdl import Signal, block, intbv

from hw import simulate
from hw.accelerator import bias_words, frame_words, specs, weight_words
from hw.layer import layer
from hw.spike_buffer import spike_buffer
from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.topology import parse
from tests.hw_ports import below, bit


def random_layer(topology, shape, padding, rng, reset="subtract", bits=4, frac=2, beta=1, guard=2, threshold=30,
                 membrane_bits=10, rounding="floor"):
    shapes = parse(topology, shape, padding)
    most = 2**(bits - 1) - 1
    each = IntegerLayer(shapes[0], rng.integers(-most, most + 1, shapes[0].w_shape).astype(np.int16),
                        rng.integers(-10, 30, shapes[0].w_shape[-1]), threshold, beta, frac, guard, bits, membrane_bits,
                        reset, rounding, 1.0)
    return IntegerNetwork((each,), 1, 0)


def run(network, spec, frames, num_steps, free=lambda cycle: 1, in_pause=0):
    """Drive one layer with its input buffer; (make, ports, given, seen, words of each frame that it wrote)."""
    each = network.layers[0]
    load_width = max(spec.lanes * spec.weight_bits, spec.lanes * spec.bias_bits)
    address_bits = max((spec.weight_words - 1).bit_length(), (spec.groups - 1).bit_length(), 1)
    words = [frame_words(frame, spec) for frame in frames]

    @block
    def make(clk, rst, num_steps, threshold, write, write_address, write_data, in_done, next_free, load_weight,
             load_bias, load_address, load_data, in_free, word_valid, word_address, word, done):
        filled, read, give_back = bit(), bit(), bit()
        read_address, read_data = below(spec.in_words), Signal(intbv(0)[spec.in_lanes:])
        before = spike_buffer(clk, rst, in_free, write, write_address, write_data, in_done, filled, read, read_address,
                              read_data, give_back, spec.in_words)
        dut = layer(clk, rst, num_steps, threshold, filled, read, read_address, read_data, give_back, next_free,
                    word_valid, word_address, word, done, load_weight, load_bias, load_address, load_data, spec)
        return before, dut

    def ports():
        return ({"rst": bit(), "num_steps": Signal(intbv(0)[4:]),
                 "threshold": Signal(intbv(0)[spec.membrane_bits - 1:]), "write": bit(),
                 "write_address": below(spec.in_words), "write_data": Signal(intbv(0)[spec.in_lanes:]),
                 "in_done": bit(), "next_free": bit(), "load_weight": bit(), "load_bias": bit(),
                 "load_address": Signal(intbv(0)[address_bits:]), "load_data": Signal(intbv(0)[load_width:])},
                {"in_free": bit(), "word_valid": bit(), "word_address": below(spec.out_words),
                 "word": Signal(intbv(0)[spec.lanes:]), "done": bit()})
    loads = [{"load_weight": 1, "load_address": a, "load_data": w} for a, w in enumerate(weight_words(each, spec))]
    loads += [{"load_bias": 1, "load_address": a, "load_data": w} for a, w in enumerate(bias_words(each, spec))]
    todo = [{"write": 1, "write_address": a, "write_data": w, "in_done": a == spec.in_words - 1}
            for frame in words for a, w in enumerate(frame)]
    state = {"finished": 0, "sent": 0, "wait": 0}

    def drive(cycle, out):
        steady = {"num_steps": num_steps, "threshold": each.threshold, "next_free": free(cycle)}
        if cycle < 2:
            return {"rst": 1}
        if cycle - 2 < len(loads):
            return steady | loads[cycle - 2]
        state["finished"] += out["done"]
        if state["finished"] == len(frames):
            state["wait"] += 1
            if state["wait"] > 8:
                raise StopIteration
        sent = state["sent"]
        # a frame may begin when a bank is free; a word is sent every in_pause + 1 cycles
        if sent < len(todo) and (sent % spec.in_words or state.get("done_seen", 0) < cycle and out["in_free"]):
            if cycle % (in_pause + 1) == 0:
                state["sent"] += 1
                if todo[sent]["in_done"]:
                    state["done_seen"] = cycle + 1
                return steady | todo[sent]
        return steady
    given, seen = simulate.run(make, *ports(), drive, 60_000)
    written, frame = [], {}
    for out in seen:
        if out["word_valid"]:
            frame[out["word_address"]] = out["word"]
            if out["done"]:
                written.append([frame.get(a) for a in range(spec.out_words)])
                frame = {}
    return make, ports, given, seen, written


def as_words(spk, spec):
    """Output frames of the integers (T, ...) as the words that the layer writes."""
    from dataclasses import replace
    shaped = replace(spec, in_height=1, in_width=spec.out_words // spec.groups, in_channels=spec.out_channels,
                     in_lanes=spec.lanes)
    return [frame_words(frame, shaped) for frame in spk]


@pytest.mark.parametrize("topology, shape, padding, lanes, in_lanes, options", [
    ("6C3-MP2-2", (5, 6, 3), 1, 4, 2, {}), ("4C3-2", (4, 5, 2), 0, 4, 2, {"reset": "zero", "beta": 3}),
    ("7", (10,), 0, 3, 4, {"reset": "subtract_then_leak", "membrane_bits": 7}),
    ("5", (2, 3, 5), 0, 1, 3, {"rounding": "zero", "beta": 3}),
    ("3C2-MP3-2", (7, 8, 1), 0, 2, 1, {"guard": 0, "threshold": 4}),
    ("4", (6,), 0, 4, 6, {"reset": "none"}), ("2C1-2", (3, 3, 4), 0, 1, 3, {"membrane_bits": 6, "threshold": 10})])
def test_layer_equals_the_integers(topology, shape, padding, lanes, in_lanes, options):
    rng = np.random.default_rng(3)
    network = random_layer(topology, shape, padding, rng, **options)
    spec, = specs(network, [lanes], in_lanes)
    num_steps, images = 3, 2
    density = rng.choice([0.0, 0.3, 1.0], (num_steps, images, *[1] * len(shape)))
    spikes = (rng.random((num_steps, images, *shape)) < density).astype(np.uint8)
    expected = network.forward(spikes, num_steps, keep="membranes")
    frames = [spikes[t, image] for image in range(images) for t in range(num_steps)]
    spk = expected.spk[0].swapaxes(0, 1).reshape(-1, *expected.spk[0].shape[2:])
    if network.readout == "spikes":
        assert 0 < spk.mean() < 1
    for free, pause in ((lambda cycle: 1, 0), (lambda cycle: rng.random() < 0.1, 2)):
        make, ports, given, seen, written = run(network, spec, frames, num_steps, free, pause)
        assert written == as_words(spk, spec)
        if shutil.which("ghdl"):
            simulate.same_in_ghdl(make, *ports(), given, seen)
    if not shutil.which("ghdl"):
        pytest.skip("GHDL is not installed: apt install ghdl")


def test_wrong_numbers_are_refused():
    network = random_layer("6C3-MP2-2", (5, 6, 3), 1, np.random.default_rng(0))
    for lanes, words in (([3, 3], "one number for each of 1 layers"), ([7], "layer 1 has 6 output channels"),
                         ([0], "must be 1 to as many, got 0")):
        with pytest.raises(ValueError, match=words):
            specs(network, lanes)
