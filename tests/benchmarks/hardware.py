"""How fast the cycle model is: python -m tests.benchmarks.hardware MODEL.int.npz [--data DIR] [--images 2] [--json].

The spikes are known to both; the model tells the cycles of all test images (median of 5 runs), the gates are simulated
in MyHDL for the first few, on one core, loading of the weights left out. Seconds an image are compared, and that the
cycles are the same.
"""

import argparse
import json
import time

import numpy as np

from minisnn.data import load as datasets
from minisnn.fixed.model import load
from minisnn.timing import cycles, layout
from minisnn_hw.verify.cosimulate import cosimulate


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.hardware",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model")
    parser.add_argument("--data")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    model = load(args.model)
    data = datasets.load_for(model, args.model, None, args.data)
    stimulus = cycles.Stimulus.of_images(model, data.x_test)
    lanes = layout.default_lanes(model.network)
    cycles.predict(stimulus.first(1), lanes)  # compiled
    times = []
    for _ in range(5):
        start = time.perf_counter()
        predicted = cycles.predict(stimulus, lanes)
        times.append(time.perf_counter() - start)
    inputs = next(model.run(data.x_test[: args.images], batch_size=args.images))[0]
    moments = [time.perf_counter()]
    found = cosimulate(
        model.network, inputs, model.num_steps, lanes, progress=lambda: moments.append(time.perf_counter())
    )
    # The first image's time holds the load; with several it is left out.
    gates = float(np.median(np.diff(moments)[1:] if args.images > 1 else np.diff(moments)))
    modelled = float(np.median(times)) / stimulus.images
    same = all(each.same for each in found) and [each.cycles_counted for each in found] == (
        predicted.latency[: args.images].tolist()
    )
    result = {
        "images": stimulus.images,
        "model_s": float(np.median(times)),
        "model_s_per_image": modelled,
        "myhdl_s_per_image": gates,
        "ratio": gates / modelled,
        "same": same,
    }
    if args.json:
        print(json.dumps(result))
        return
    print(
        f"the model: {stimulus.images} images in {result['model_s']:.3f} s, {1e6 * modelled:.0f} us an image\n"
        f"MyHDL: {gates:.1f} s an image, so the model is {gates / modelled:,.0f}x as fast\n"
        f"cycles, spikes and membranes are {'the same' if same else 'NOT THE SAME'}"
    )


if __name__ == "__main__":
    main()
