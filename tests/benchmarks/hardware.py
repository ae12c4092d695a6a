"""Speed of the cycle model: python -m tests.benchmarks.hardware MODEL.int.npz [--data DIR] [--images 2] [--json].

Compares the seconds per image of the cycle model, which predicts all test images from their spikes (median of 5 runs),
and of MyHDL, which simulates the first few images on one core (without the load); checks that the cycles are equal.
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
    cycles.predict(stimulus.first(1), lanes)  # compile
    times = []
    for _ in range(5):
        start = time.perf_counter()
        predicted = cycles.predict(stimulus, lanes)
        times.append(time.perf_counter() - start)
    inputs = next(model.run(data.x_test[: args.images], batch_size=args.images))[0]
    moments = [time.perf_counter()]
    results = cosimulate(
        model.network, inputs, model.num_steps, lanes, progress=lambda: moments.append(time.perf_counter())
    )
    # The first image's time includes the load; with several images it is ignored.
    gates = float(np.median(np.diff(moments)[1:] if args.images > 1 else np.diff(moments)))
    modelled = float(np.median(times)) / stimulus.images
    same = all(result.same for result in results) and [result.cycles_counted for result in results] == (
        predicted.latency[: args.images].tolist()
    )
    summary = {
        "images": stimulus.images,
        "model_s": float(np.median(times)),
        "model_s_per_image": modelled,
        "myhdl_s_per_image": gates,
        "ratio": gates / modelled,
        "same": same,
    }
    if args.json:
        print(json.dumps(summary))
        return
    print(
        f"cycle model: {stimulus.images} images in {summary['model_s']:.3f} s, {1e6 * modelled:.0f} us per image\n"
        f"MyHDL: {gates:.1f} s per image, so the cycle model is {gates / modelled:,.0f}x as fast\n"
        f"cycles, spikes and membranes are {'equal' if same else 'NOT EQUAL'}"
    )


if __name__ == "__main__":
    main()
