"""Networks at random, with words, lanes and shapes that do not fit each other: integers = MyHDL, in every cycle."""

import numpy as np
import pytest

from minisnn.timing.layout import position_choices, tap_choices
from tests.hw.networks import Whole, random_inputs, random_network


def some_network(rng):
    """Return topology, input shape, padding and bits of a pixel: up to two convolutions, up to two flat layers."""
    convolutions, terms = int(rng.integers(3)), []
    height, width, channels = (int(rng.integers(1, most)) for most in (5, 10, 4))
    shape = (height, width, channels) if convolutions or rng.random() < 0.5 else (height * width * channels,)
    for _ in range(convolutions):
        kernel = int(rng.integers(1, min(height, width, 3) + 1))
        height, width = height - kernel + 1, width - kernel + 1
        terms.append(f"{rng.integers(1, 8)}C{kernel}")
        pool = int(rng.integers(1, min(height, width, 2) + 1))
        if pool > 1:
            terms.append(f"MP{pool}")
            height, width = height // pool, width // pool
    terms += [str(rng.integers(1, 10)) for _ in range(int(rng.integers(1, 3)))]
    return "-".join(terms), shape, int(rng.choice([0, 0, 3, 8]))


@pytest.mark.parametrize("seed", range(10))
def test_any_network(seed):
    """One that is sparse, one full, one silent image; back to back."""
    rng = np.random.default_rng(seed)
    topology, shape, input_bits = some_network(rng)
    network = random_network(topology, shape, rng, input_bits=input_bits, threshold=int(rng.choice([10, 40])))
    lanes = [int(rng.integers(1, layer.layer.w_shape[-1] + 1)) for layer in network.layers]
    taps = [int(rng.choice(tap_choices(layer.layer))) for layer in network.layers]
    positions = [int(rng.choice(position_choices(layer.layer, count))) for layer, count in zip(network.layers, taps)]
    inputs = np.concatenate([random_inputs(network, 2, 1, rng, density) for density in (0.1, 1.0, 0.0)], axis=1)
    options = {"taps": taps, "positions": positions, "second_bank": input_bits > 0 and seed % 2 == 0}
    case = Whole(network, lanes, inputs, 2, **options)
    host = case.host(alone=False)
    case.simulate(host)
    case.check_values(host)
    case.check_cycles(host)
