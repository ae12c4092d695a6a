# %% [markdown]
# # 13. The paper reproduced: solutions

# %%
from dataclasses import replace

import numpy as np

import minisnn as ms
from minisnn import surrogate as surrogates
from minisnn.study import stages as study

# %% [markdown]
# 1. Fast sigmoid: (sqrt(2) - 1) / k. Arctangent: 2 / (pi alpha). Equal where k = alpha * (sqrt(2) - 1) * pi / 2. At
#    snnTorch's defaults the fast sigmoid is some 19 times as narrow.

# %%
fast, atan = surrogates.parse("fast_sigmoid:25"), surrogates.parse("atan:2")
print(f"half-widths: {fast.half_width:.4f} and {atan.half_width:.4f}")
wide = surrogates.match_width("fast_sigmoid", atan)
assert abs(wide.scale - 2 * (np.sqrt(2) - 1) * np.pi / 2) < 1e-9 and abs(wide.scale / 2 - 0.6506) < 1e-4
assert 19 < atan.half_width / fast.half_width < 20

# %% [markdown]
# 2. The number of right answers is binomial; its deviation is sqrt(0.9 * 0.1 / 359) = 1.6 points. The best of 30 lies
#    some two deviations above the mean. Repeated 1,000 times, to know the mean and not the luck of one draw.

# %%
rng = np.random.default_rng(0)
best = rng.binomial(359, 0.9, (1000, 30)).max(axis=1) / 359
luck = 100 * (best.mean() - 0.9)
print(f"the best of 30 seems {luck:.1f} points better than it is")
assert luck > 1.5

# %% [markdown]
# 3. The second stage is the product of `betas` and `thresholds`, at the best scale of the first. Without running
#    anything, a row of the first stage can be made up: `stage` looks at settings and validation alone.

# %%
data = ms.load_data("digits")
plan = replace(
    study.PLANS["digits"],
    screening=1,
    scales=(1,),
    betas=(0.1, 0.5, 0.9),
    thresholds=(0.5, 2.0),
    training={"topology": "4C3-MP2-10", "num_steps": 2, "validation": 0.2},
)
rows = [
    {"point": point, "status": "done", "result": {"validation": {"accuracy": 0.5, "latency": 100.0}}}
    for point in study.stage("scales", plan, data, [])
]
points = study.stage("leaks", plan, data, rows)
found = {(point["network"]["beta"], point["network"]["threshold"]) for point in points}
assert len(points) == 6 and found == {(beta, theta) for beta in (0.1, 0.5, 0.9) for theta in (0.5, 2.0)}
