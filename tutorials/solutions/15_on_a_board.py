# %% [markdown]
# # Solutions to lesson 15

# %%
import numpy as np

from minisnn_hw import boards

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1
# The order matters. 0xDB 0xDD 0xDC is an escaped ESC, and then 0xDC. If ESC_ESC were replaced first, 0xDB 0xDC would be
# left, which looks like an escaped END. So the escaped END is replaced first.


# %%
def decode(line):
    return [frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb") for frame in line.split(b"\xc0")[:-1]]


frames = [rng.integers(0xBE, 0xE0, 40, dtype=np.uint8).tobytes() for _ in range(50)]  # many special bytes
line = b"".join(map(boards.host.encode, frames))
assert decode(line) == frames
assert decode(line + b"\x01\x02") == frames  # the last frame is not whole

# %% [markdown]
# ## 2
# At worst nothing has left the queue but what was confirmed. So the bytes under way are those sent less those confirmed.


# %%
def may_send(sent, confirmations, window, credit):
    return max(window - (sent - confirmations * credit), 0)


for _ in range(100):
    confirmations = int(rng.integers(0, 10))
    sent = confirmations * 512 + int(rng.integers(0, 2049))
    assert 0 <= may_send(sent, confirmations, 2048, 512) <= 2048
assert may_send(0, 0, 2048, 512) == 2048

# %% [markdown]
# ## 3
# The three work at the same time, each on another image: the slowest gives the pace. A byte takes ten bits.


# %%
def images_a_second(there, back, cycles, clock, baud):
    return min(baud / 10 / max(there, back), clock / cycles)


assert np.isclose(images_a_second(50, 50, 12_000, 25e6, 115_200), 230.4)
assert np.isclose(images_a_second(50, 50, 12_000, 25e6, 6.25e6), 25e6 / 12_000)  # now the accelerator is the slower one
