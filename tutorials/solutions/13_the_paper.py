# %% [markdown]
# # Solutions to lesson 13

# %%
from dataclasses import replace

import numpy as np

import minisnn as ms
from minisnn import study, surrogate

# %% [markdown]
# ## 1
# The half-width of the fast sigmoid is (sqrt(2) - 1) / k, that of the arctangent 2 / (pi alpha). They are equal where k
# = alpha * (sqrt(2) - 1) * pi / 2. With snnTorch's defaults, the fast sigmoid is some 19 times narrower.


# %%
def half_widths(k, alpha):
    return (np.sqrt(2) - 1) / k, 2 / (np.pi * alpha)


fast = surrogate.parse("fast_sigmoid:25")
atan = surrogate.parse("atan:2")
print(f"half-widths: fast sigmoid {fast.half_width:.4f}, arctangent {atan.half_width:.4f}")
np.testing.assert_allclose((fast.half_width, atan.half_width), half_widths(25, 2))
assert 19 < atan.half_width / fast.half_width < 20

matched = surrogate.match_width("fast_sigmoid", atan)
assert abs(matched.scale - 2 * (np.sqrt(2) - 1) * np.pi / 2) < 1e-9
assert abs(matched.scale / 2 - 0.6506) < 1e-4

# %% [markdown]
# ## 2
# The number of right answers is binomial; the standard deviation of the accuracy is sqrt(0.9 * 0.1 / 359) = 1.6 points.
# The best of 30 lies some two deviations above the mean. We repeat this 1,000 times, to know the mean rather than the
# luck of a single draw.


# %%
def luck_of_the_best(accuracy, images, networks, rng):
    right_answers = rng.binomial(images, accuracy, (1000, networks))
    best = right_answers.max(axis=1) / images
    return best.mean() - accuracy


luck = 100 * luck_of_the_best(0.9, 359, 30, np.random.default_rng(0))
print(f"the best of 30 seems {luck:.1f} points better than it is")
assert luck > 1.5

# %% [markdown]
# ## 3
# The stage is the product of `betas` and `thresholds`, at the scale that the trials have chosen for the default. We need
# not run anything: `stage` looks only at the settings and the validation results of a row, so we can make up rows of the
# stages before.


# %%
def points(betas, thresholds, scale):
    return [{"beta": beta, "threshold": threshold, "scale": scale} for beta in betas for threshold in thresholds]


data = ms.load_data("digits")
plan = replace(
    study.plan.PLANS["digits"],
    trial_epochs=1,
    scales=(1,),
    beta=0.1,
    betas=(0.1, 0.5, 0.9),
    thresholds=(0.5, 2.0),
    seeds=(0, 1),
    training={"topology": "4C3-MP2-10", "num_steps": 2, "validation": 0.2},
)
rows = []
for name in ("trials", "finalists"):
    for point in study.stages.stage(name, plan, data, rows):
        result = {"validation": {"accuracy": 0.5, "latency": 100.0}}
        rows.append({"point": point, "status": "done", "result": result})

found = study.stages.stage("leaks", plan, data, rows)
settings = {(point["network"]["beta"], point["network"]["threshold"]) for point in found}
expected = {(point["beta"], point["threshold"]) for point in points((0.1, 0.5, 0.9), (0.5, 2.0), 1)}
assert len(found) == 6 * 2  # two seeds
assert settings == expected
