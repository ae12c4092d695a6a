"""Follow one spike of a quantised network on digits: python -m tests.benchmarks.spike digits.int.npz [--json].

The first test image, as far as it takes to see one spike on its way: the pixels, the spikes of its channel, the sum
that it is added to, addition by addition, and the clock cycles in which all layers were at work. The drawing in README
shows it.
"""

import argparse
import json

import numpy as np

import minisnn as ms

LANES = (11, 32, 5)
LAYER, STEP = 1, 1  # indices: the second layer, in the second step


def follow(path: str) -> dict:
    """Return what is seen of the spike with the largest weight of the neuron that is farthest above its threshold."""
    data, model = ms.load_data("digits"), ms.load_integer(path)
    trace = ms.trace(model, data.x_test[0], lanes=LANES)
    integers = trace.network.layers[LAYER]
    above = trace.mem[LAYER][STEP].ravel() - integers.threshold
    neuron = int(np.argmax(above))
    why = trace.why(LAYER, neuron, STEP)
    followed = int(np.argmax(why.additions["adds"]))
    spike = {name: int(why.additions[name][followed]) for name in why.additions.dtype.names}
    before = trace.network.layers[LAYER - 1].layer
    height, width, channels = before.out_shape
    pooled = (height // before.pool, width // before.pool, channels)
    row, column, channel = (int(n) for n in np.unravel_index(spike["address"], pooled))
    return {
        "image": data.x_test[0][..., 0].tolist(),
        "label": int(data.y_test[0]),
        "spikes": trace.spk[LAYER - 1][STEP][..., channel].astype(int).tolist(),
        "pool": before.pool,
        "place": [row, column, channel],
        "spike": spike,
        "followed": followed,
        "neuron": neuron,
        "kept": int(why.kept),
        "sums": why.additions["sum"].tolist(),
        "bias": int(why.bias),
        "membrane": int(why.membrane),
        "threshold": int(why.threshold),
        "step": STEP,
        "timeline": {
            name: times.tolist()
            for name, times in (
                ("begins", trace.begins),
                ("added", trace.added),
                ("fires", trace.firing_starts),
                ("ends", trace.ends),
            )
        },
        "latency": int(trace.latency),
    }


def main():
    """Print what :func:`follow` returns."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.spike", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    seen = follow(args.model)
    print(json.dumps(seen) if args.json else "\n".join(f"{name}: {value}" for name, value in seen.items()))


if __name__ == "__main__":
    main()
