"""Predict the clock cycles of the accelerator: latency, throughput, and where they go.

The model counts cycles exactly as the gates do, from the spikes of the test images. Beside the accelerator's own
schedule it knows that of the study's public RTL (layerwise: one layer after the other) and one that does not see
sparsity (dense: every spike is set).
"""

import json
from pathlib import Path

from ..errors import InputError
from ..timing.cycles import SCHEDULES
from . import add_data_arguments, add_lanes_argument, add_wide_argument, positive, table

JUDGES = 16  # images by which --balance judges


def add_arguments(parser):
    """The command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--images", type=positive, metavar="N", help="the first N test images (default: all)")
    add_lanes_argument(parser)
    parser.add_argument(
        "--balance", type=positive, metavar="BUDGET", help="find the lanes of least latency, so many in all"
    )
    add_wide_argument(parser)
    parser.add_argument(
        "--schedule", default="pipelined", metavar="NAME", help=f"{', '.join(SCHEDULES)} (default: pipelined)"
    )
    parser.add_argument(
        "--word-every",
        type=positive,
        default=1,
        metavar="N",
        help="cycles from one word of the input stream to the next (default: 1)",
    )
    parser.add_argument("--figure", type=Path, metavar="PNG", help="where the cycles go, layer by step")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads (default: all processors)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print latency_cycles (mean, min, max), interval_cycles, "
        "utilisation by layer, lanes, images and more as JSON",
    )


def run(args):
    """Predict as the arguments say."""
    from ..data import load as datasets
    from ..fixed.model import load
    from ..timing import cycles, layout
    from ..timing.balance import balance

    if args.balance and args.lanes:
        raise InputError("--balance finds the lanes, so --lanes cannot be given too; leave one away")
    if args.figure and (args.figure.suffix != ".png" or not args.figure.parent.is_dir()):
        raise InputError(f"--figure {args.figure} must name a file that ends in .png, in a folder that exists")
    if args.figure and args.schedule == "layerwise":
        raise InputError("--figure shows layers that overlap, and with --schedule layerwise none do; leave one away")
    model = load(args.model)
    network = model.network
    lanes = layout.check_lanes(network, args.lanes or layout.default_lanes(network))
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    stimulus = cycles.Stimulus.of_images(model, data.x_test[: args.images], args.threads)
    if args.balance:
        lanes = balance(stimulus.first(JUDGES), args.balance, wide=args.wide)
    chosen = cycles.predict(stimulus, lanes, args.schedule, args.word_every, wide=args.wide)
    adders = sum(count * taps for count, taps in zip(lanes, layout.taps(network, args.wide)))
    others = {
        name: float(
            chosen.latency.mean()
            / cycles.predict(stimulus, lanes, name, args.word_every, wide=args.wide).latency.mean()
        )
        for name in SCHEDULES
        if name != args.schedule
    }
    if args.json:
        print(
            json.dumps(
                {
                    "latency_cycles": {
                        "mean": float(chosen.latency.mean()),
                        "min": int(chosen.latency.min()),
                        "max": int(chosen.latency.max()),
                    },
                    "interval_cycles": chosen.interval,
                    "utilisation": list(chosen.utilisation),
                    "lanes": list(lanes),
                    "adders": adders,
                    "images": stimulus.images,
                    "num_steps": model.num_steps,
                    "schedule": args.schedule,
                    "adding_cycles": chosen.adding.sum(axis=2).mean(axis=0).tolist(),
                    "firing_cycles": (chosen.firing * model.num_steps).tolist(),
                    "adding_vs_bound": float(chosen.adding.sum() / chosen.bound.sum()),
                    "latency_vs_bound": float(chosen.latency.sum() / chosen.least.sum()),
                    "latency_vs": others,
                }
            )
        )
    else:
        _show(data.name, model, lanes, adders, stimulus.images, args.schedule, chosen, others)
    if args.figure:
        from ..plot import cycles_figure

        cycles_figure(chosen, [each.layer.name for each in network.layers], lanes, args.figure)
        if not args.json:
            print(f"\nfigure  {args.figure}")


def _show(dataset, model, lanes, adders, images, schedule, chosen, others):
    print(
        f"{dataset}: {images} images, T = {model.num_steps}, lanes {'/'.join(map(str, lanes))} "
        f"({adders} adders), {schedule}\n"
    )
    print(f"latency   {chosen.latency.mean():,.0f} cycles, {chosen.latency.min():,} to {chosen.latency.max():,}")
    print(f"interval  {chosen.interval:,.0f} cycles between the answers of images that follow one another\n")
    layers = [each.layer.name for each in model.network.layers]
    if schedule == "layerwise":
        rows = [
            (name, count, f"{cost:,.0f}", f"{100 * share:.1f} %")
            for name, count, cost, share in zip(
                layers, lanes, chosen.adding.sum(axis=2).mean(axis=0), chosen.utilisation
            )
        ]
        print(table(rows, ("layer", "lanes", "cycles", "share")))
    else:
        rows = []
        for index, (name, count) in enumerate(zip(layers, lanes)):
            adds, least = (x[:, index].sum(axis=1).mean() for x in (chosen.adding, chosen.bound))
            fires = int(chosen.firing[index]) * model.num_steps
            waits = chosen.waiting[:, index].sum(axis=1).mean()
            idle = chosen.idle[:, index].mean()
            rows.append(
                (
                    name,
                    count,
                    f"{adds:,.0f}",
                    f"{adds / least:.3f}",
                    f"{fires:,}",
                    f"{waits:,.0f}",
                    f"{idle:,.0f}",
                    f"{100 * chosen.utilisation[index]:.1f} %",
                )
            )
        print("Cycles of an image alone, mean; and the share of a stream's in which a layer adds or fires\n")
        print(table(rows, ("layer", "lanes", "adds", "x bound", "fires", "waits", "idle", "utilised")))
        print(
            f"\nadditions take {chosen.adding.sum() / chosen.bound.sum():.4f}x their lower bound, the image "
            f"{chosen.latency.sum() / chosen.least.sum():.4f}x"
        )
    print("latency is " + ", ".join(f"{ratio:.3f}x that of {name}" for name, ratio in others.items()))
