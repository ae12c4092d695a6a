"""The sections: each runs commands and returns the numbers that README and its tables need of them."""

import csv
import json
import os
import re
import shutil
import tempfile

import numpy as np

from minisnn.study.store import Store

from .record import ROOT
from .shop import SAME_SUMS, Missing

SVHN, MNIST = "svhn10k", "mnist"  # folders of --data
STUDY = "tutorials/results/svhn"
SEEDS = (0, 1, 2)
QUANTIZATION = "tests.benchmarks.quantization --data DIR --out quantization --bits " + " ".join(map(str, range(2, 17)))
# Model and flags of each design on the FPGA.
DESIGNS = {
    "digits, 32/8/8": ("digits", "--lanes 32/8/8"),
    "digits, 11/32/5": ("digits", "--lanes 11/32/5"),
    "digits, 8/8/2": ("digits", "--lanes 8/8/2"),
    "digits, 8/8/2 `--taps 9/1/1`": ("digits", "--lanes 8/8/2 --taps 9/1/1"),
    "digits, 4/4/2": ("digits", "--lanes 4/4/2"),
    "digits, 4/4/2 `--taps 9/1/1`": ("digits", "--lanes 4/4/2 --taps 9/1/1"),
    "SVHN, 32/32/8/8": ("svhn", "--lanes 32/32/8/8"),
}
WINDOWS = "--taps 9/9/1/1 --positions 4/4/1/1"
# Flags of the designs of the SVHN network whose cycles are shown, by name.
LEVERS = {
    "plain": "--lanes 32/32/8/8",
    "80": "--balance 80",
    "80, second bank": "--balance 80 --second-bank",
    "210": "--balance 210",
    "210, exit": "--balance 210 --exit lossless",
    "600": "--balance 600",
    "600, windows": f"--balance 600 {WINDOWS}",
    "600, windows, exit": f"--balance 600 {WINDOWS} --exit lossless",
    "600, all": f"--balance 600 {WINDOWS} --second-bank --exit 2",
}
BOARDS = ("ulx3s-85f", "tangnano20k")
PLACED = ("digits, 4/4/2", "digits, 4/4/2 `--taps 9/1/1`", "digits, 11/32/5", "digits, 32/8/8")


def digits(shop):
    """Accuracy on the digits, by seed; firing rates of the first seed."""
    return _accuracy(shop, "train", "digits", "")


def mnist(shop):
    """Accuracy on MNIST."""
    return _accuracy(shop, "train --dataset mnist --data DIR", "mnist", MNIST)


def svhn(shop):
    """Accuracy on the part of SVHN."""
    return _accuracy(shop, "train --dataset svhn --data DIR --validation 0", "svhn-t8", SVHN)


def _accuracy(shop, train, name, data):
    results, seconds = [], []
    for seed in SEEDS:
        model = f"{name}.npz" if seed == 0 else f"{name}-{seed}.npz"
        seconds.append(shop.run(f"minisnn {train} --seed {seed} --out {model}", data)[1])
        results.append(shop.json(f"minisnn evaluate {model}{' --data DIR' if data else ''}", data))
    accuracy = [result["accuracy"] for result in results]
    return {
        "accuracy": {"mean": float(np.mean(accuracy)), "least": min(accuracy), "most": max(accuracy)},
        "firing_rates": results[0]["firing_rates"],
        "seconds": float(np.median(seconds)),
    }


def _digits_model(shop):
    """Train and quantise the digits as README's first block does."""
    shop.run("minisnn train --seed 0 --out digits.npz")
    shop.run("minisnn quantize digits.npz")


def _svhn_model(shop, name="svhn", flags=""):
    """Train and quantise the network of the study on SVHN; return what quantisation reports."""
    train = f"minisnn train --dataset svhn --data DIR --validation 0 --steps 10{flags} --seed 0 --out {name}.npz"
    shop.run(f"{train} --figure none", SVHN)
    return shop.json(f"minisnn quantize {name}.npz --data DIR", SVHN)


def spike(shop):
    """One spike of the digits on its way, for the drawing in README."""
    _digits_model(shop)
    return shop.json("python -m tests.benchmarks.spike digits.int.npz")


def times(shop):
    """Seconds of a training, and of README's first block in an installation that has never run."""
    shop.run("minisnn train --seed 0 --out digits.npz")
    warm = shop.run("minisnn train --seed 0 --out warm.npz --figure none")[1]
    with tempfile.TemporaryDirectory() as cache:
        new = SAME_SUMS | {"NUMBA_CACHE_DIR": cache}
        block = [
            "minisnn train --out block.npz",
            "minisnn quantize block.npz",
            "minisnn cycles block.int.npz --balance 48 --figure block.png",
            "minisnn cosim block.int.npz --lanes 11/32/5",
            "minisnn vhdl block.int.npz --lanes 11/32/5 --out accelerator",
            "accelerator/run.sh",
        ]
        before = shop.commands
        seconds = [shop.run(command, env=new)[1] for command in block]
        shop.commands = [*before[: -len(block)], *block]  # without the folder, which is gone
    return {"train": warm, "train_cold": seconds[0], "block": sum(seconds)}


def tests(shop):
    """Minutes of the tests."""
    commands = {"all": "python -m pytest", "quick": "python -m pytest -m quick"}
    return {name: shop.run(f"{command} -q {ROOT}", env={})[1] / 60 for name, command in commands.items()}


def bits(shop):
    """Accuracy of integers by the width of their weights: the rows of quantization.csv, or new ones with --again."""
    if shop.again:
        shop.run(f"python -m {QUANTIZATION}", SVHN)
        shop.keep("quantization/quantization.csv", f"{STUDY}/quantization.csv")
    else:
        shop.commands.append(f"python -m {QUANTIZATION}")
        shop.note = "Its rows were read from quantization.csv; `--again` measures them anew."
    table: dict = {}
    with open(ROOT / STUDY / "quantization.csv", newline="") as file:
        for row in csv.DictReader(file):
            kinds = table.setdefault(row["weight_bits"], {"as it is": [], "tuned": []})
            kinds["tuned" if row["epochs"] != "0" else "as it is"].append((int(row["seed"]), float(row["accuracy"])))
    return {
        width: {kind: [accuracy for _, accuracy in sorted(rows)] for kind, rows in kinds.items()}
        for width, kinds in table.items()
    }


def cycles(shop):
    """Clock cycles of the SVHN network, by lanes; and where they go."""
    return _cycles(shop, "svhn", "", LEVERS)


def cycles_rate(shop):
    """Clock cycles of the SVHN network with rate coding."""
    return _cycles(shop, "svhn-rate", " --encoding rate", {"plain": "--lanes 32/32/8/8"})


def _cycles(shop, name, training, designs):
    made = _svhn_model(shop, name, training)
    command = f"minisnn cycles {name}.int.npz --data DIR"
    return {
        "model": {key: made[key] for key in ("accuracy_before", "accuracy_after", "firing_rates_after")},
        "designs": {design: shop.json(f"{command} {flags}", SVHN) for design, flags in designs.items()},
    }


def lanes(shop):
    """The best lanes of the digits network."""
    _digits_model(shop)
    found = shop.json("minisnn cycles digits.int.npz --balance 48 --taps 1/1/1")
    return {"lanes": found["lanes"], "latency": found["latency_cycles"]["mean"]}


def gates(shop):
    """The digits network in gates: as MyHDL, as VHDL, and, with all test images, as Verilog."""
    _digits_model(shop)
    return {
        "MyHDL": _cosim(shop, "digits.int.npz --images 4"),
        "VHDL": _cosim(shop, "digits.int.npz --simulator ghdl --images 40"),
        "Verilog": _cosim(shop, "digits.int.npz --simulator verilator --images 359"),
    }


def directions(shop):
    """Directions of motion: recordings in floats, integers and gates, and what still images tell of them."""
    shop.run("minisnn train --dataset moving-digits --seed 0 --out moving.npz --figure none")
    quantised = shop.json("minisnn quantize moving.npz")
    return {
        "floats": quantised["accuracy_before"],
        "integers": quantised["accuracy_after"],
        "gates": _cosim(shop, "moving.int.npz --simulator ghdl --images 6"),
        "seen": shop.json("python -m tests.benchmarks.directions", env={}),
    }


def gates_mnist(shop):
    """The MNIST network in gates, as Verilog, on all test images."""
    shop.run("minisnn train --dataset mnist --data DIR --seed 0 --out mnist.npz", MNIST)
    shop.run("minisnn quantize mnist.npz --data DIR", MNIST)
    return {"Verilog": _cosim(shop, "mnist.int.npz --data DIR --simulator verilator --images 10000", MNIST)}


def gates_svhn(shop):
    """The SVHN network in gates, as Verilog."""
    _svhn_model(shop)
    flags = "--data DIR --lanes 32/32/8/8 --simulator verilator --images 1000"
    return {"Verilog": _cosim(shop, f"svhn.int.npz {flags}", SVHN)}


def _cosim(shop, flags, data=""):
    result = shop.json(f"minisnn cosim {flags}", data)
    kinds = ("spike", "membrane", "answer", "cycle")
    return {
        "command": f"minisnn cosim {flags}",
        "images": result["images"],
        "cycles": sum(result["cycles"]),
        "differences": [result[f"{kind}_mismatches"] for kind in kinds],
        "seconds": shop.run(f"minisnn cosim {flags} --json", data)[1],
    }


def resources(shop):
    """What each design takes of an FPGA, as packed."""
    result = {}
    for name, (model, flags) in DESIGNS.items():
        result[name] = _synth(shop, model, f"{flags} --no-place")
    return result


def area(shop):
    """Cells of designs by Yosys, to which the estimate is fitted, and by which it is checked."""
    return shop.json("python -m tests.benchmarks.area --file area.json")


def svhn_fit(shop):
    """Designs of the SVHN network that fit an ECP5, by the width of the weights, and one of them placed and routed."""
    _svhn_model(shop)
    found = {}
    for width in (4, 5, 6):
        model = f"svhn-{width}.int.npz"
        made = shop.json(f"minisnn quantize svhn.npz --weight-bits {width} --out {model} --data DIR", SVHN)
        command = f"minisnn cycles {model} --data DIR --images 100 --balance --device ecp5-85k"
        found[width] = {"accuracy": made["accuracy_after"], "front": shop.json(command, SVHN)["front"]}
    design = "svhn-4.int.npz --data DIR --lanes 16/32/9/5"
    placed = shop.json(f"minisnn synth {design}", SVHN)
    timed = shop.json(f"minisnn cycles {design} --images 1999", SVHN)
    kept = ("lanes", "cells", "packed", "mhz", "latency_cycles", "tools", "estimated_look_up_tables", "critical_path")
    placed = {name: placed[name] for name in kept} | {"interval_cycles": timed["interval_cycles"]}
    return {"fits": found, "placed": placed | {"accuracy": found[4]["accuracy"]}}


def clocks(shop):
    """The clock of some designs, after place and route."""
    result = {name: _synth(shop, *DESIGNS[name]) for name in PLACED}
    return result | {"digits, 32/8/8, seed 2": _synth(shop, "digits", "--lanes 32/8/8 --seed 2")}


def _synth(shop, model, flags):
    if model == "digits":
        _digits_model(shop)
        made = shop.json(f"minisnn synth digits.int.npz {flags}")
    else:
        _svhn_model(shop)
        made = shop.json(f"minisnn synth svhn.int.npz --data DIR {flags}", SVHN)
    kept = ("tools", "cells", "packed", "block_ratio", "latches", "memories_in_registers", "latency_cycles", "mhz")
    return {key: made[key] for key in kept}


def bitstreams(shop):
    """Bitstreams of the digits network: cells, clock, and seconds of the tools."""
    _digits_model(shop)
    return {board: shop.json(f"minisnn board digits.int.npz --board {board} --out {board} --build") for board in BOARDS}


def lines(shop):
    """All test images of the digits through the serial line of the simulated boards."""
    _digits_model(shop)
    flags = "--simulate --images 359"
    return {
        board: shop.json(f"minisnn board digits.int.npz --board {board} --out line-{board} {flags}") for board in BOARDS
    }


def buses(shop):
    """The wrapper with AXI under cocotb, by the width of its streams, and the targets of FuseSoC's cores."""
    _digits_model(shop)
    told = shop.run("python -m pytest --pyargs tests.boards.test_axi -rA -n 0", env={})[0]
    runs = []
    for folder, flags, targets in (
        ("verilog", "--hdl verilog", ("lint", "sim")),
        ("axi64", "--hdl verilog --axi 64", ("lint", "sim")),
        ("vhdl", "--hdl vhdl", ("sim",)),
    ):
        shop.run(f"minisnn vhdl digits.int.npz {flags} --out {folder} --name digits --images 1")
        for target in targets:
            command = f"fusesoc --cores-root {folder} run --target={target} minisnn:snn:digits"
            runs.append((flags, target, "PASS" in shop.run(command)[0]))
    return {"cocotb": re.findall(r"PASSED .*test_under_cocotb\[(\d+)\]", told), "fusesoc": runs}


def model(shop):
    """Seconds of an image in the cycle model and in MyHDL."""
    _digits_model(shop)
    return shop.json("python -m tests.benchmarks.hardware digits.int.npz")


def interop(shop):
    """Spikes that differ between networks of snnTorch and the imported ones."""
    return {"rows": shop.json("python -m tests.benchmarks.interop")}


def nir(shop):
    """Spikes that differ between networks and what others make of their NIR files."""
    return {"rows": shop.json("python -m tests.benchmarks.interop_nir")}


def study(shop):
    """What the study found, claim by claim, and its figures."""
    shutil.copy(ROOT / STUDY / "study.sqlite", shop.folder)  # a report may touch its file
    shop.run("minisnn report study.sqlite --out report")
    shop.commands[:] = [f"minisnn report {STUDY}/study.sqlite --out report"]
    files: dict = {}
    for path in sorted((shop.folder / "report").glob("*.png")):
        files |= shop.keep(f"report/{path.name}", f"{STUDY}/{path.name}")
    for name in ("results.csv", "claims.json"):
        shop.keep(f"report/{name}", f"{STUDY}/{name}")
    with Store(ROOT / STUDY / "study.sqlite", read_only=True) as store:
        plan = store.noted("plan")
    return {"files": files, "plan": plan, **json.loads((ROOT / STUDY / "claims.json").read_text())}


def speed(shop):
    """The race against snnTorch, SpikingJelly, torch and JAX."""
    made = shop.json("python -m tests.benchmarks", env={})
    if made["loaded"]:
        raise Missing("needs an idle machine: it was loaded, so run it again with --again")
    names = ("t25_b128", "weights_doubled")
    races = {"t10_b32": made, **{name: made[name] for name in names}, **made["nets"]}
    kept = re.compile(
        r"(train|infer|memory)_vs_[a-z]+|(train|infer)_samples_per_s|share_of_.*|peak_mb|firing_rates|sgemm_gflops|"
        "needed_gflop|topology|input_shape|num_steps|batch_size|rounds"
    )
    return {
        "versions": made["versions"],
        "races": {
            name: {key: value for key, value in race.items() if kept.fullmatch(key)} for name, race in races.items()
        },
    }


def points(shop):
    """Points of a study in an hour."""
    lines = shop.run("python -m tests.benchmarks.points --data DIR --rounds 1", SVHN, env={})[0].splitlines()
    rate = {}
    for line in lines[2:]:
        *_, hour, ratio = line.split()
        rate.setdefault("minisnn" if line.startswith("minisnn") else "snnTorch", []).append(
            (float(hour), float(ratio.rstrip("x"))) if ratio.endswith("x") else None
        )
    ours = rate["minisnn"][0]
    return {"minisnn": ours[0], "snnTorch": max(hour for hour, _ in rate["snnTorch"]), "ratio": ours[1]}


def figures(shop):
    """The figures of a training, of its cycles, and of the inspector's page."""
    _digits_model(shop)
    shop.run("minisnn cycles digits.int.npz --balance 48 --figure cycles.png")
    shop.run("minisnn inspect digits.int.npz --lanes 11/32/5 --out inspect")
    flags = "--headless --virtual-time-budget=5000 --screenshot=inspect.png --window-size=1280,1800"
    if os.geteuid() == 0:
        flags += " --no-sandbox"
    shop.run(f"chromium {flags} inspect/inspect.html", env={})
    files: dict = {}
    for name in ("digits.png", "cycles.png", "inspect.png"):
        files |= shop.keep(name, f"tutorials/figures/{name}")
    return {"files": files}


# The cheap ones first.
SECTIONS = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(digits, spike, lanes, interop, nir, study, bits, figures, times, model, cycles, cycles_rate, gates),
        *(
            gates_svhn,
            directions,
            lines,
            buses,
            resources,
            area,
            svhn_fit,
            clocks,
            bitstreams,
            svhn,
            mnist,
            gates_mnist,
            tests,
            speed,
            points,
        ),
    )
}
IDLE = ("times", "model", "bitstreams", "svhn", "mnist", "tests", "speed", "points")  # they measure time
