# %% [markdown]
# # Solutions to lesson 5

# %%
import numpy as np

from minisnn import Network, evaluate, fit, load_data, predict

data = load_data("digits")


def trained(**settings):
    """Train the lesson's network; `settings` replace or add settings of `fit`."""
    net = Network(
        "64-10",
        data.input_shape,
        beta=0.5,
        threshold=1.0,
        surrogate="fast_sigmoid:5",
        backend="numpy",
        rng=np.random.default_rng(0),
    )
    usual = {"epochs": 15, "num_steps": 5, "lr": 0.004, "seed": 0}
    return fit(net, data, **(usual | settings))


model = trained()
result = evaluate(model, data.x_test, data.y_test)

# %% [markdown]
# ## 1
# Row: the digit; column: the answer. The table counts all 359 images; the right answers are on the diagonal.


# %%
def confusion(labels, answers, classes):
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, answers), 1)
    return table


table = confusion(data.y_test, predict(model, data.x_test), 10)
print(table)
assert table.sum() == 359
assert np.isclose(np.trace(table), 359 * result.accuracy)

errors = table - np.diag(np.diag(table))
digit, answer = np.unravel_index(errors.argmax(), errors.shape)
print(f"most frequent error: {digit} taken for {answer}, {errors.max()} times")

# %% [markdown]
# ## 2
# With 5 steps, the noise of random spikes alone is an RMS error of the levels of about 0.12 of the range (lesson 2).


# %%
def rate_noise(level, num_steps):
    return np.sqrt((level * (1 - level)).mean() / num_steps)


print(f"noise of rate coding with 5 steps: {rate_noise(data.x_test / data.max_value, 5):.2f} of the range")
by_rate = trained(encoding="rate")
direct_accuracy = evaluate(model, data.x_test, data.y_test).accuracy
rate_accuracy = evaluate(by_rate, data.x_test, data.y_test).accuracy
print(f"direct coding {direct_accuracy:.1%}, rate coding {rate_accuracy:.1%}")
assert direct_accuracy > rate_accuracy + 0.01

# %% [markdown]
# ## 3
# Raise the price on the hidden layer alone, "price,0", until its spikes are halved. The validation accuracy is what a
# choice may look at; the test accuracy is only reported.


# %%
def choose_price(trials):
    first = trials[0]
    for trial in sorted(trials, key=lambda trial: trial["price"]):
        halved = trial["rate"] <= first["rate"] / 2
        if halved and trial["validation"] >= first["validation"] - 0.02:
            return trial["price"]
    return None


trials = []
for price in (0.0, 1.0, 2.0, 4.0):
    priced = trained(rate_penalty=f"{price},0")
    validation = max(entry["validation_accuracy"] for entry in priced.history)
    outcome = evaluate(priced, data.x_test, data.y_test)
    hidden_rate = outcome.firing_rates[0]
    print(
        f"price {price}: validation accuracy {validation:.1%}, test accuracy {outcome.accuracy:.1%}, "
        f"{hidden_rate:.3f} spikes per hidden neuron and step"
    )
    trials.append({"price": price, "validation": validation, "test": outcome.accuracy, "rate": hidden_rate})

price = choose_price(trials)
chosen = next(trial for trial in trials if trial["price"] == price)
print(f"chosen: {price}, with a test accuracy of {chosen['test']:.1%}")
assert chosen["rate"] < result.firing_rates[0] / 2
assert chosen["test"] > result.accuracy - 0.02
