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
fast = surrogate.parse("fast_sigmoid:25")
atan = surrogate.parse("atan:2")
print(f"half-widths: fast sigmoid {fast.half_width:.4f}, arctangent {atan.half_width:.4f}")
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
rng = np.random.default_rng(0)
right_answers = rng.binomial(359, 0.9, (1000, 30))
best = right_answers.max(axis=1) / 359
luck = 100 * (best.mean() - 0.9)
print(f"the best of 30 seems {luck:.1f} points better than it is")
assert luck > 1.5

# %% [markdown]
# ## 3
# The second stage is the product of `betas` and `thresholds`, at the best scale of the first stage. We need not run
# anything: `stage` looks only at the settings and the validation results of a row, so we can make up rows of the first
# stage.

# %%
data = ms.load_data("digits")
plan = replace(
    study.plan.PLANS["digits"],
    screening=1,
    scales=(1,),
    betas=(0.1, 0.5, 0.9),
    thresholds=(0.5, 2.0),
    training={"topology": "4C3-MP2-10", "num_steps": 2, "validation": 0.2},
)
rows = []
for point in study.stages.stage("scales", plan, data, []):
    result = {"validation": {"accuracy": 0.5, "latency": 100.0}}
    rows.append({"point": point, "status": "done", "result": result})

points = study.stages.stage("leaks", plan, data, rows)
settings = {(point["network"]["beta"], point["network"]["threshold"]) for point in points}
expected = {(beta, threshold) for beta in (0.1, 0.5, 0.9) for threshold in (0.5, 2.0)}
assert len(points) == 6
assert settings == expected
