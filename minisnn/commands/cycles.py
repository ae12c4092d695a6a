"""Predict the clock cycles of the accelerator: latency, throughput, and where the cycles go.

The cycle model counts cycles exactly as the gates do, from the spikes of the test images. It also knows two schedules
to compare with: that of the public RTL of the paper's group (layerwise: one layer after the other; known within some
2 % where it convolves spikes), and the accelerator without sparsity (dense: every input spikes).
"""

import json
from dataclasses import replace
from pathlib import Path

from .. import terminal
from ..errors import InputError
from . import (
    add_data_arguments,
    add_device_argument,
    add_exit_argument,
    add_lanes_argument,
    add_positions_argument,
    add_second_bank_argument,
    add_taps_argument,
    counted,
    exit_as_json,
    first_images,
    gains_and_losses,
    of_layers,
    positive,
    table,
    wrapped,
)

JUDGES = 16  # images by which --balance judges
DEFAULT_DEVICE = "ecp5-85k"  # whose cells the price is estimated in
NO_BUDGET = 0  # of adders: --balance alone


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.int.npz) that minisnn quantize wrote")
    add_data_arguments(parser)
    parser.add_argument("--images", type=positive, metavar="N", help="number of test images (default: all)")
    add_lanes_argument(parser)
    parser.add_argument(
        "--balance",
        type=positive,
        nargs="?",
        const=NO_BUDGET,
        metavar="BUDGET",
        help="choose the lanes and taps with the least latency (with --second-bank the least interval), with at most "
        "so many adders in all; with --taps the lanes alone; with --device the fastest that fits it, and a list of "
        "those that are smaller",
    )
    add_device_argument(parser)
    parser.add_argument("--multipliers", type=positive, metavar="N", help="with --balance: at most so many multipliers")
    parser.add_argument(
        "--block-ram",
        type=positive,
        metavar="N",
        help="with --balance: at most so many block RAMs of 16 Kibit, as estimated",
    )
    add_taps_argument(parser)
    add_positions_argument(parser)
    add_second_bank_argument(parser)
    add_exit_argument(parser)
    parser.add_argument(
        "--schedule", default="pipelined", metavar="NAME", help="pipelined, layerwise or dense (default: pipelined)"
    )
    parser.add_argument(
        "--word-every",
        type=positive,
        default=1,
        metavar="N",
        help="cycles from one word of the input stream to the next (default: 1)",
    )
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="PNG",
        help="figure of the cycles by layer and step; with --balance --device of the designs that fit",
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="number of threads (default: all processors)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print latency_cycles (mean, min, max), interval_cycles, utilisation by layer, lanes, images and more as "
        "JSON",
    )


def run(args):
    """Predict the cycles and print them."""
    if not args.json:
        terminal.say("running the integers on the test images, and counting cycles")
    from ..data import load as datasets
    from ..fixed.model import load
    from ..timing import cycles, layout
    from ..training.exit_margin import tried

    _check(args)
    model = load(args.model)
    network = model.network
    lanes = layout.check_lanes(network, args.lanes or layout.default_lanes(network))
    taps = layout.check_taps(network, args.taps)
    positions = layout.check_positions(network, taps, args.positions)
    layout.check_second_bank(network, args.second_bank)
    data = datasets.load_for(model, args.model, args.dataset, args.data, progress=not args.json)
    images, labels = first_images(data, args.images)
    stimulus = cycles.Stimulus.of_images(model, images, args.threads, margin=args.exit)
    prices, front = _Prices(args, network), []
    if args.balance is not None:
        front = _balanced(args, stimulus, prices)
        lanes, taps = front[-1].share
    options = {"word_every": args.word_every, "taps": taps, "positions": positions, "second_bank": args.second_bank}
    results = {schedule: cycles.predict(stimulus, lanes, schedule, **options) for schedule in cycles.SCHEDULES}
    chosen = results.pop(args.schedule)
    ended = None
    if args.exit:
        ended = tried(stimulus.stops, labels, args.exit)
        whole = replace(stimulus, stops=None)
        results["all steps"] = cycles.predict(whole, lanes, **options)
    gain = None  # by the second bank
    if args.second_bank:
        options["second_bank"] = False
        gain = chosen.interval / cycles.predict(stimulus, lanes, args.schedule, **options).interval
    ratios = {name: float(chosen.latency.mean() / other.latency.mean()) for name, other in results.items()}
    if args.json:
        about = prices.of(lanes, taps) | {"images": stimulus.images, "num_steps": model.num_steps}
        about |= {"schedule": args.schedule, "device": prices.device_name}
        about |= {"second_bank": args.second_bank, "interval_vs_one_bank": gain}
        about |= {"exit": None if ended is None else exit_as_json(ended)}
        if args.device and front:
            about["front"] = [prices.of(*point.share) | {"latency_cycles": point.latency} for point in front]
        print(json.dumps(_as_json(chosen, about, ratios)))
    else:
        if args.device and front:
            _show_front(front, prices)
        about = f"{data.name}: {counted(stimulus.images, 'image')}, T = {model.num_steps}"
        about += f", {of_layers(lanes, taps, args.second_bank, positions)}"
        print(wrapped(f"{about}, {args.schedule}") + "\n")
        _show(chosen, [layer.layer.name for layer in network.layers], lanes, args.schedule, prices.told(lanes, taps))
        print("latency is " + ", ".join(f"{ratio:.3f}x that of {name}" for name, ratio in ratios.items()))
        if gain:
            print(f"interval is {gain:.3f}x that without the second bank, whose latency is the same")
        if ended:
            print(f"\n{gains_and_losses(ended, model.num_steps)}\n")
        print("layerwise, layer after layer, is known within some 2 % where it convolves spikes")
    if args.figure:
        from ..plot import cycles_figure, front_figure

        if args.device and front:
            front_figure(front, prices.device.title, prices.device.tables, args.figure)
        else:
            cycles_figure(chosen, [layer.layer.name for layer in network.layers], lanes, args.figure)
        if not args.json:
            print(f"\nfigure  {args.figure}")


class _Prices:
    """Prices of a network's designs: adders and multipliers, bits of memory, and estimated cells of a device."""

    def __init__(self, args, network):
        from minisnn_hw.synth.area import estimates
        from minisnn_hw.synth.devices import DEVICES

        self.network, self.second_bank, self.positions = network, args.second_bank, args.positions
        self.device_name = args.device or DEFAULT_DEVICE
        self.device = DEVICES[self.device_name]
        try:
            self.area = estimates(network, self.device.family, args.second_bank, args.positions)
        except ValueError as error:  # cycles can be counted of what hardware cannot implement
            if args.device or args.block_ram:
                raise InputError(str(error)) from None
            self.area = None

    def of(self, lanes, taps):
        """Return the price of a design, for --json; what is not known is None."""
        from minisnn_hw.generate.specify import specify
        from minisnn_hw.synth.area import memory_bits

        from ..timing.balance import count_adders, count_multipliers, count_neurons

        options = {"taps": taps, "second_bank": self.second_bank, "positions": self.positions}
        area = self.area and self.area(lanes, taps)
        return {
            "lanes": list(lanes),
            "taps": list(taps),
            "positions": list(self.positions or (1,) * len(lanes)),
            "adders": count_adders(lanes, taps),
            "neurons": count_neurons(lanes, self.positions),
            "multipliers": count_multipliers(self.network, lanes, taps, self.positions),
            "memory_bits": area and memory_bits(specify(self.network, lanes, **options)),
            "estimated": area
            and {
                "look_up_tables": round(area.tables),
                "block_rams": area.blocks,
                "multipliers_18x18": area.multipliers,
            },
        }

    def told(self, lanes, taps):
        """Return the price of a design in words."""
        price = self.of(lanes, taps)
        counts = [counted(price[f"{kind}s"], kind) for kind in ("adder", "neuron", "multiplier")]
        words = f"price     {', '.join(counts)}"
        if not self.area:
            return words
        cells = price["estimated"]
        return (
            f"{words}, {price['memory_bits']:,} bits of memory\n"
            f"          estimated: {round(cells['look_up_tables'], -2):,} look-up tables and "
            f"{counted(cells['block_rams'], 'block RAM')} of a {self.device.title}"
        )


def _balanced(args, stimulus, prices):
    """Return the designs that the budgets afford, the fastest last; without --device only that."""
    from ..timing.balance import MeanLatency, Point, balance, front

    def fits(lanes, taps):
        if not (args.block_ram or args.device):
            return True
        area = prices.area(lanes, taps)
        return area.blocks <= (args.block_ram or area.blocks) and not (args.device and area.lacking(prices.device))

    judges, adders = stimulus.first(JUDGES), args.balance or None
    latency = MeanLatency(judges, second_bank=args.second_bank, positions=args.positions)
    if args.device:
        budgets = (adders, args.multipliers, args.taps)
        return front(judges, lambda *share: prices.area(*share).tables, fits, *budgets, latency)
    share = balance(judges, adders, args.multipliers, fits, args.taps, latency=latency)
    return [Point(share, 0.0, latency(*share))]


def _check(args):
    """Raise InputError for flags that do not go together, before any work."""
    from minisnn_hw.synth.devices import DEVICES

    from .. import check
    from ..timing.cycles import SCHEDULES

    check.choice("schedule", args.schedule, SCHEDULES)
    if args.device:
        check.choice("--device", args.device, DEVICES)
    if args.balance is not None and args.lanes:
        raise InputError("--balance chooses the lanes, so --lanes cannot be given too; leave one of them out")
    if args.balance == NO_BUDGET and not (args.device or args.multipliers or args.block_ram):
        raise InputError("--balance needs a budget of adders, as in --balance 48, or --device, or another budget")
    for flag, value in (("--multipliers", args.multipliers), ("--block-ram", args.block_ram)):
        if value and args.balance is None:
            raise InputError(f"{flag} is a budget of --balance; add --balance, or leave it out")
    if args.balance is not None and args.positions and not args.taps:
        raise InputError("--balance chooses the taps, and --positions depend on them; give --taps too, or leave it out")
    if args.second_bank and args.schedule == "layerwise":
        raise InputError(
            "--schedule layerwise has no second bank, as layers do not overlap; leave out it or --second-bank"
        )
    if args.exit and args.schedule != "pipelined":
        raise InputError(
            f"--schedule {args.schedule} takes all steps, and --exit ends images before; leave one of them out"
        )
    if args.figure and (args.figure.suffix != ".png" or not args.figure.parent.is_dir()):
        raise InputError(f"--figure {args.figure} must name a file that ends in .png, in a folder that exists")
    if args.figure and args.schedule == "layerwise":
        raise InputError(
            "--figure shows layers that overlap, and with --schedule layerwise none do; leave one of them out"
        )


def _show_front(front, prices):
    """Print the designs that fit a device."""
    rows = []
    for point in front:
        price = prices.of(*point.share)
        by_layer = ("/".join(map(str, price[name])) for name in ("lanes", "taps"))
        numbers = (price["adders"], *price["estimated"].values(), point.latency)
        rows.append((*by_layer, *(f"{number:,.0f}" for number in numbers)))
    print(
        wrapped(
            f"Designs that fit a {prices.device.title}, each faster than all that are smaller. Look-up tables, block "
            f"RAMs and multipliers are estimated; cycles are the mean of {JUDGES} images.",
            0,
        )
        + "\n"
    )
    print(table(rows, ("lanes", "taps", "adders", "LUTs", "block RAMs", "multipliers", "cycles")) + "\n")


def _as_json(chosen, about, ratios):
    """Return the values that --json prints."""
    return {
        "latency_cycles": {
            "mean": float(chosen.latency.mean()),
            "min": int(chosen.latency.min()),
            "max": int(chosen.latency.max()),
        },
        "interval_cycles": chosen.interval,
        "utilisation": list(chosen.utilisation),
        **about,
        "adding_cycles": chosen.adding.sum(axis=2).mean(axis=0).tolist(),
        "firing_cycles": (chosen.firing * chosen.passes.mean(axis=0)).tolist(),
        "adding_vs_bound": float(chosen.adding.sum() / chosen.bound.sum()),
        "latency_vs_bound": float(chosen.latency.sum() / chosen.least.sum()),
        "latency_vs": ratios,
    }


def _show(chosen, layers, lanes, schedule, price):
    """Print latency, interval, price, and a table of the layers."""
    print(f"latency   {chosen.latency.mean():,.0f} cycles, {chosen.latency.min():,} to {chosen.latency.max():,}")
    print(f"interval  {chosen.interval:,.0f} cycles between two answers, if images follow without a pause")
    print(f"{price}\n")
    if schedule == "layerwise":
        _show_layerwise(chosen, layers, lanes)
        return
    rows = []
    for index, (name, count) in enumerate(zip(layers, lanes)):
        adds = chosen.adding[:, index].sum(axis=1).mean()
        bound = chosen.bound[:, index].sum(axis=1).mean()
        firing = chosen.firing[index] * chosen.passes[:, index].mean()
        waits, idle = chosen.waiting[:, index].sum(axis=1).mean(), chosen.idle[:, index].mean()
        counts = (f"{adds:,.0f}", f"{adds / bound:.3f}", f"{firing:,.0f}", f"{waits:,.0f}", f"{idle:,.0f}")
        rows.append((name, count, *counts, f"{100 * chosen.utilisation[index]:.1f} %"))
    print("Cycles of an image in an empty accelerator (mean), and utilisation in a stream\n")
    print(table(rows, ("layer", "lanes", "adds", "x bound", "firing pass", "waits", "idle", "utilisation")))
    print(
        "\nLower bounds: an addition in every cycle, none between additions and firing\n"
        f"passes. Additions take {chosen.adding.sum() / chosen.bound.sum():.4f}x their lower bound, images "
        f"{chosen.latency.sum() / chosen.least.sum():.4f}x theirs"
    )


def _show_layerwise(chosen, layers, lanes):
    costs = chosen.adding.sum(axis=2).mean(axis=0)
    rows = [
        (name, count, f"{cost:,.0f}", f"{100 * share:.1f} %")
        for name, count, cost, share in zip(layers, lanes, costs, chosen.utilisation)
    ]
    print(table(rows, ("layer", "lanes", "cycles", "share")) + "\n")
