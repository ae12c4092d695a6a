# %% [markdown]
# # Solutions to lesson 8

# %%
import numpy as np

import minisnn as ms
from minisnn import fixed

# %% [markdown]
# ## 1
# A weight of 4 bits is at most 7; in sixteenths that is 7 * 16 = 112. The sum of 64 of them is at most 7168, which is
# below 2**13 = 8192: 13 bits and a sign, 14 bits in all. The range is symmetric, so the negative end needs no more.


# %%
def bits_of_sum(count, weight_bits, guard):
    most = count * (2 ** (weight_bits - 1) - 1) * 2**guard
    return most.bit_length() + 1


assert bits_of_sum(64, 4, 4) == 14
most = 64 * (2**3 - 1) * 2**4
assert most == 7168
assert fixed.bounds.signed_bits(most) == 14
assert fixed.bounds.signed_bits(-most) == 14

# %% [markdown]
# ## 2
# Towards zero, |u| falls by at least 1 in every step, because 230/256 < 1, so it ends at 0. Rounding down does the same
# above 0. Below 0, u stays where floor(230 u / 256) = u, that is, where |u| * 26/256 < 1, or |u| <= 9. So what starts
# below -9 stops at -9, and what starts between -9 and 0 stays where it is.


# %%
def leak(u, beta_int, frac):
    size = beta_int * abs(u) >> frac
    return size if u >= 0 else -size


def end_of(u, rounding):
    for _ in range(100):
        u = fixed.lif.leak(u, 230, 8, rounding)
    return u


for start in range(-100, 101):
    assert leak(start, 230, 8) == fixed.lif.leak(start, 230, 8, fixed.lif.TOWARDS_ZERO)
    assert end_of(start, fixed.lif.TOWARDS_ZERO) == 0
    assert end_of(start, fixed.lif.FLOOR) == (0 if start >= 0 else max(start, -9))

# %% [markdown]
# ## 3
# Whoever chooses by the test images reports luck that new images will not repeat: of many choices, one is always lucky.
# (The weights were trained on the training images, so the accuracy on these is too high. Images that were held out, as
# by `validation=`, are better still.)


# %%
def choose_bits(on_training, on_test):
    return max(on_training, key=on_training.get)


data = ms.load_data("digits")
net = ms.Network("16C3-MP2-32-10", data.input_shape, padding=1, beta=0.25, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=10, num_steps=5, lr=4e-3, seed=0)
x, y = data.x_train[-300:], data.y_train[-300:]

on_training, on_test = {}, {}
for first in range(2, 9):
    for second in range(2, 9):
        third = 12 - first - second
        if not 2 <= third <= 8:
            continue
        bits = (first, second, third)
        integer, _ = ms.quantize(model, bits, images=data.x_train)
        on_training[bits] = integer.evaluate(x, y).accuracy
        on_test[bits] = integer.evaluate(data.x_test, data.y_test).accuracy  # one look, for this exercise

chosen = choose_bits(on_training, on_test)
lucky = max(on_test, key=on_test.get)
print(f"chosen by training images: {chosen}, test accuracy {100 * on_test[chosen]:.1f} %")
print(f"chosen by test images:     {lucky}, test accuracy {100 * on_test[lucky]:.1f} %")
assert on_test[lucky] > on_test[chosen]
