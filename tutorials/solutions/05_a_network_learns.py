# %% [markdown]
# # Solutions of lesson 5

# %%
import numpy as np

from minisnn import Network, evaluate, fit, load_data, predict

data = load_data("digits")


def trained(seed=0, **settings):
    net = Network(
        "64-10",
        data.input_shape,
        beta=0.5,
        threshold=1.0,
        surrogate="fast_sigmoid:5",
        backend="numpy",
        rng=np.random.default_rng(seed),
    )
    return fit(net, data, **({"epochs": 15, "num_steps": 5, "lr": 0.004, "seed": seed} | settings))


model = trained()
result = evaluate(model, data.x_test, data.y_test)

# %% [markdown]
# ## 1
# Row: what it is; column: what it is taken for. All 359 images are in it, the right ones on the diagonal.

# %%
taken = np.zeros((10, 10), int)  # [what it is, what it is taken for]
np.add.at(taken, (data.y_test, predict(model, data.x_test)), 1)
print(taken)
assert taken.sum() == 359 and np.isclose(np.trace(taken), 359 * result.accuracy)
errors = taken - np.diag(np.diag(taken))
is_, as_ = np.unravel_index(errors.argmax(), errors.shape)
print(f"most frequent: {is_} taken for {as_}, {errors.max()} times")

# %% [markdown]
# ## 2
# At T = 5 chance alone makes an RMS error of the levels of about 0.12 of the range (lesson 2).

# %%
by_rate = trained(encoding="rate")
direct, rate = (evaluate(m, data.x_test, data.y_test).accuracy for m in (model, by_rate))
print(f"direct {direct:.1%}, rate {rate:.1%}")
assert direct > rate + 0.01

# %% [markdown]
# ## 3
# A price on the hidden layer alone: "weight,0". The choice is made on the validation images, not on the test's.

# %%
for weight in (0.0, 1.0, 2.0, 4.0):
    priced = trained(rate_penalty=f"{weight},0")
    best = max(entry["validation_accuracy"] for entry in priced.history)
    outcome = evaluate(priced, data.x_test, data.y_test)
    print(
        f"weight {weight}: validation {best:.1%}, test {outcome.accuracy:.1%}, "
        f"hidden neurons fire {outcome.firing_rates[0]:.3f} a step"
    )
    if outcome.firing_rates[0] < result.firing_rates[0] / 2:
        break
assert outcome.firing_rates[0] < result.firing_rates[0] / 2 and outcome.accuracy > result.accuracy - 0.02
