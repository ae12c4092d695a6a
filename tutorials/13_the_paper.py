# %% [markdown]
# # 13. The paper reproduced
# This course began with a paper: Aliyev & Adegbija, "Fine-Tuning Surrogate Gradient Learning for Optimal Hardware
# Performance in Spiking Neural Networks" (DATE 2024). They train networks like those of lesson 11 with different
# surrogates, leaks and thresholds, and measure an accelerator. They report two things:
#
# - The fast sigmoid causes fewer spikes than the arctangent, at similar accuracy.
# - A sweep over beta and threshold cuts the latency by 48 %, at a cost of 2.88 points of accuracy.
#
# We repeat both on a small scale, on digits, and meet four traps on the way. The whole study is the command `minisnn
# reproduce`. You need lesson 11 (sparsity is time).
#
# If you have the files of SVHN (photographs of house numbers), a part of them is used in place of the digits: give
# their folder, or a folder above it, as `python 13_the_paper.py --data DIR` or in the environment variable
# MINISNN_TEST_DATA. The flag `--quick` is for tests; with it the numbers mean little.

# %%
import argparse
import os
from dataclasses import replace
from pathlib import Path
from pprint import pprint
from tempfile import TemporaryDirectory

import numpy as np
from common import save
from matplotlib import pyplot as plt

import minisnn as ms
from minisnn import lif, study, surrogate

parser = argparse.ArgumentParser()
parser.add_argument("--quick", action="store_true")
parser.add_argument("--data", default=os.environ.get("MINISNN_TEST_DATA"))
args, _ = parser.parse_known_args()  # a notebook has arguments of its own, which are ignored
folder = TemporaryDirectory()

# %% [markdown]
# ## The plan
# A study that tries many settings needs rules, and it needs them *before* its first result. Otherwise one looks at the
# results, and then finds the rules that suit them. A *plan* says what is varied, in stages:
#
# 1. *Trials* are short: few epochs and one seed, but several scales and learning rates for each leak and each
#    surrogate.
# 2. *Finalists*: the best trials are trained again with other seeds, so that luck is not chosen.
# 3. What they choose is trained in full length, and so is all that is compared with it: a price on clock cycles, leaks
#    and thresholds that are learned, fewer steps, all scales, other thresholds.
# 4. *Refits*: the default and what is tested in the end are trained once more, now on the validation images too. They
#    have done their work, and more images make a better network.
#
# Every choice is made on *validation* images, never on test images.
#
# The library has a plan for the digits. `replace` returns a copy with other values, so that all fits into three
# minutes:

# %%
digits_plan = replace(
    study.plan.PLANS["digits"],
    trial_epochs=3,
    epochs=8,
    lanes=(16, 8, 2),
    training={"topology": "16C3-MP2-64-10", "padding": 1, "num_steps": 5, "validation": 0.2, "lr": 4e-3},
)

# %% [markdown]
# The plan for SVHN, for those who have its files, has a network with one convolution more:


# %%
def svhn_plan(source):
    """Write a part of SVHN, every second pixel of each image, to a file; return the plan for it."""
    whole = ms.load_data("svhn", source)
    train_count, test_count = (800, 200) if args.quick else (3000, 1000)
    path = f"{folder.name}/svhn_part.npz"
    np.savez(
        path,
        X=whole.x_train[:train_count, ::2, ::2],
        y=whole.y_train[:train_count],
        X_test=whole.x_test[:test_count, ::2, ::2],
        y_test=whole.y_test[:test_count],
    )
    return replace(
        study.plan.PLANS["digits"],
        dataset=path,
        lanes=(8, 16, 8, 2),
        trial_epochs=3,
        epochs=6,
        training={"topology": "8C3-MP2-16C3-64-10", "padding": 1, "num_steps": 5, "lr": 4e-3, "validation": 0.2},
    )


svhn_file = next(Path(args.data).rglob("train_32x32.mat"), None) if args.data else None
plan = svhn_plan(svhn_file.parent) if svhn_file else digits_plan

if args.quick:
    plan = replace(
        plan,
        trial_epochs=1,
        epochs=2,
        scales=(1, 8),
        rates=plan.rates[-1:],
        betas=(0.25,),
        cycle_penalties=(0.3,),
        steps=(3,),
        seeds=(0,),
    )

# %% [markdown]
# The *protocol* is these rules in words. It is written to the file of results before the first training, so that nobody,
# we included, can change it afterwards:

# %%
for heading, *sentences in study.protocol.text(plan):
    print(heading)
    for sentence in sentences:
        print(f"  - {sentence}")

# %% [markdown]
# Each setting of the plan becomes a *point*, a dictionary of everything that its result depends on. Two equal points
# have equal results, so a point is computed once, and a study that was interrupted goes on where it stopped. This is
# the point of the default setting:

# %%
data = ms.load_data(plan.dataset)
pprint(study.stages.point(plan, data, study.selection.setting(plan), epochs=plan.epochs, seed=0))

# %% [markdown]
# ## Run it
# All stages, for two and a half minutes at most. All results go to one file.

# %%
path = f"{folder.name}/study.sqlite"
unfinished = study.stages.run(
    plan,
    path,
    data,
    study.executors.Here(),
    threads=2,
    budget=2.5,  # minutes
    on_stage=lambda name, points: print(f"stage {name}: {len(points)} points", flush=True),
)
if unfinished:
    print(f"out of time in stage {unfinished}; the claims stay open")
else:
    print("all stages are done")

# %% [markdown]
# The report reads the file. So do we, for the questions below: `rows` has all points that were computed, and `models`
# the trained networks.

# %%
report = study.report.gather(path)
with study.store.Store(path) as store:
    rows = [row for row in store.rows() if row["status"] == "done"]
    models = {row["training"]: store.model(row["training"]) for row in rows}

# %% [markdown]
# ## A trap: equal scales are not equal surrogates
# Does the fast sigmoid cause fewer spikes than the arctangent? One would give both the same scale, and count.
#
# But the scale k of the one and the scale alpha of the other share a name, not a meaning. What can be compared are
# *half-widths* (lesson 3): at equal scale the fast sigmoid is narrower by the factor 0.65, so it passes less gradient
# and learns less. A network that has hardly learned has few spikes, too.

# %%
atan = surrogate.parse("atan:2")
sigmoid = surrogate.parse("fast_sigmoid:2")
print(f"half-width at scale 2: arctangent {atan.half_width:.3f}, fast sigmoid {sigmoid.half_width:.3f}")
assert abs(sigmoid.half_width / atan.half_width - 0.65) < 0.001

matched = surrogate.match_width("fast_sigmoid", atan)
assert abs(matched.half_width - atan.half_width) < 1e-9

# %% [markdown]
# So the study tunes scale and learning rate of both, with as many trials for each. Then it compares the best of the two,
# or all scales at equal accuracy. The figures are those of the report:


# %%
def draw(name, seen):
    """Draw a figure of the study's report, if the results for it exist; `seen` says what one sees."""
    if "missing" in report[name]:
        print(report[name]["missing"])
        return
    figure = plt.figure(layout="constrained")
    draw_part = getattr(study.plots, name)
    draw_part(figure, report[name])
    save(figure, f"13_{name}", seen)


# %%
draw(
    "trials",
    "Validation accuracy of short trainings against the scale, a panel for each beta, a line for each surrogate and "
    "learning rate.",
)

# %%
draw(
    "curves",
    "Accuracy against firing rate, and against latency: a line through all scales of each surrogate, with intervals.",
)

# %% [markdown]
# ## A trap: a threshold is a scale and a learning rate in disguise
# The paper sweeps the threshold. Take a neuron with threshold 0.5, and double all its currents. At threshold 1 it spikes
# as before:

# %%
currents = np.random.default_rng(0).normal(0.3, 0.5, (200, 50))  # (T, neurons)
low_threshold, _ = lif.forward(currents, 200, beta=0.5, threshold=0.5)
doubled, _ = lif.forward(2 * currents, 200, beta=0.5, threshold=1.0)
assert low_threshold.any()
np.testing.assert_array_equal(low_threshold, doubled)

# %% [markdown]
# So a lower threshold is nothing but larger weights. For the training two things change:
#
# - In a membrane that is twice as large, a surrogate of the same scale is twice as narrow. So the scale k must be halved.
# - To change weights that are twice as large by the same share, a step of Adam must be twice as large.
#
# Together: training with (threshold, scale k, learning rate) equals training with (1, k * threshold, learning rate /
# threshold), spike for spike. The head of `minisnn/study/protocol.py` derives it. Who varies the threshold at one scale
# and one learning rate varies these two, without saying so.

# %%
print(study.protocol.at_threshold_one(0.5, "fast_sigmoid:8", lr=0.006, weight_decay=0.05))
draw("leaks", "Three heat maps over beta and threshold: accuracy, firing rate and latency.")

# %% [markdown]
# ## Accuracy against latency
# This is the figure that all the work was for. A mark further left is faster, a mark further up is more often right.
# Full marks are means over all seeds, open marks have one seed; bars are intervals of 95 %. The marks with a letter were
# chosen on validation images.
#
# The dashed line costs no training at all: it is the default itself, its answer read after each step.

# %%
draw(
    "trade",
    "Accuracy against latency of all settings in full length: full marks with all seeds, open marks with one, three of "
    "them with letters; a dashed line is the default read after each step.",
)

# %% [markdown]
# ## A bound that no training passes
# How much can be cut at all? The pixels are added once per image, whatever was learned, and layer 1 makes T firing passes.
# These cycles remain. Training can cut only the rest.
#
# A little more can be cut if the network runs for fewer steps. At least one firing pass is left.

# %%
bound = report["claims"]["floors"].get(study.sections.LABELS["default"])
if bound:  # all points are there
    print(f"mean latency of the default: {bound['latency']:,.0f} cycles")
    print(f"pixels and T firing passes: {bound['whole']:,.0f} cycles; at most {bound['cut']:.1%} can be cut")
    print(
        f"pixels and one firing pass: {bound['one_step']:,.0f} cycles; at most {bound['cut_with_steps']:.1%} can be cut"
    )
    assert 0 < bound["cut"] < bound["cut_with_steps"] < 1

# %% [markdown]
# ## A trap: the best of many, chosen by the test
# Whoever reports the best test result among many reports luck with it (exercise 2 says how much). A result that is chosen
# on validation images is no higher, but honest.
#
# **Predict before you run.** Which of the two choices will show the higher test accuracy?
#
# <details><summary>Answer</summary>
#
# The choice by the test, or both are the same: it takes the largest of these very numbers. That proves nothing
# about new images.
#
# </details>


# %%
def accuracy(row, part):
    return 100 * row["result"][part]["accuracy"]


chosen_from = [row for row in rows if row["result"]["validation"]]  # a refit has no validation images left
by_test = max(chosen_from, key=lambda row: accuracy(row, "test"))
by_validation = max(chosen_from, key=lambda row: accuracy(row, "validation"))
print(f"test accuracy of the best of {len(chosen_from)} points:")
print(f"    chosen by the test: {accuracy(by_test, 'test'):.2f} %")
print(f"    chosen on validation images: {accuracy(by_validation, 'test'):.2f} %")

# %% [markdown]
# ## A trap: two networks in one study
# The paper's public code trains one network and puts another one into hardware, in two ways:
#
# - Leak and reset come in the other order (lesson 8).
# - The pool stands after the neurons in one, and before the neurons in the other.
#
# Nothing stops, and nothing warns. Here are the same weights, run in each way, with the latency in cycles. (The first
# two lines are integers, the last two are floats.)

# %%
chosen_model = study.point.opened(models[by_validation["training"]])
for name, numbers in study.pitfalls.measure(chosen_model, data, plan.lanes).items():
    print(f"{name:15s}", ", ".join(f"{key} {value:,.3f}" for key, value in numbers.items()))

# %% [markdown]
# ## The verdicts
# Verdicts are computed, not judged. A claim is a set of tests, and a test compares a number with a *bar*. As the number
# rests on some images and some seeds, it has an *interval*: images and seeds are drawn again, with replacement, 2,000
# times, and 95 % of the results lie in it. A claim
#
# - *holds* if the whole interval passes the bar,
# - *does not hold* if the whole interval misses it,
# - is *not resolved* otherwise,
# - is *open* while its stages are not complete: the fastest of the settings that happen to be there proves nothing.
#
# A study as small as this one can resolve little. The full study says more, and on SVHN.

# %%
claims = report["claims"]["list"]
for claim in claims:
    if claim["group"] not in ("firing", "latency"):
        continue
    print(f"[{claim['verdict']}] {claim['what']}")
    for test in claim["tests"]:
        ends = f"{test['low']:.3g} to {test['high']:.3g}"
        print(f"    {test['what']} {test['value']:.3g} ({ends}), bar {test['sense']} {test['bar']:.3g}")
    if not claim["tests"]:
        print(f"    {claim['note']}")
open_claims = [claim for claim in claims if claim["verdict"] == study.claims.OPEN]
if not unfinished:
    assert not open_claims

# %% [markdown]
# ## Exercises
# Your file is [exercises/13_the_paper.py](exercises/13_the_paper.py): it has a place for each answer, and hints.
# `python -m tutorials.check 13` says what is right and what is wrong, and `13.2` looks at the second alone.
#
# 1. Print the half-widths of both surrogates at the scales 25 and 2 (the defaults of snnTorch), and find the k at
#    which the fast sigmoid is as wide as `atan:2`. Write `half_widths(k, alpha)`, and assert k = 2 * 0.6506...
# 2. Show the luck of the best of many without any training: 30 networks whose true accuracy is 90 %, each tested on
#    359 images. By how much does the best of them seem better than it is? Write
#    `luck_of_the_best(accuracy, images, networks, rng)`, and assert that it is more than 1.5 points.
# 3. Give the plan other `betas` and `thresholds`. Assert that `study.stages.stage("leaks", plan, data, rows)`
#    returns exactly the points that you expect; `rows` are the results of the stages "trials" and "finalists", made
#    up.
#    Write `points(betas, thresholds, scale)`.
