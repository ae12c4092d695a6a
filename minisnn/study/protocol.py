"""The protocol of a study, in words, written into its file before the first point is computed.

The threshold is not tuned, because it is no free setting. Take a network with the threshold theta at every layer, first
weights and biases that scale with it (as :mod:`minisnn.init` draws them), and write w = theta*w', b = theta*b'. By the
equation of the neuron (:mod:`minisnn.lif`), which is linear in membrane, current and threshold, U = theta*U' if a
spike subtracts the threshold or sets the membrane to zero; so the spikes are equal, S = S', as U > theta is U' > 1.

Backward, with x = U - theta = theta*x':

    fast sigmoid    1/(1 + k|x|)^2                     = its curve of scale k*theta at x'
    arctangent      (alpha/2)/(1 + (pi*alpha*x/2)^2)   = its curve of scale alpha*theta at x', divided by theta

With detach_reset a membrane hands on beta or less, whatever theta is. A layer hands back dU*w to the one before, and
w = theta*w', so the gradient of a layer is that of the other network times a power of theta, which is one number for
the whole layer. Adam divides a gradient by the root of its mean square, so the number cancels (but for Adam's 1e-8),
and a step of w, as large as the learning rate, is a step of w' as large as lr/theta. Weight decay takes lr*decay*w from
w, which is (lr/theta)*(decay*theta)*w' from w'. Therefore

    (threshold, scale k, lr, decay)  =  (1, k*threshold, lr/threshold, decay*threshold)

spike for spike; :func:`at_threshold_one` computes it, and ``tests/study/test_protocol.py`` trains both. It needs a loss
on spikes, Adam without a clipped gradient, and no penalty: what a price on spikes adds to a gradient lacks the power of
theta. So a grid of thresholds at one scale and one learning rate is a grid of scales and learning rates in disguise,
and the tuned networks of one beta are the same at each threshold.
"""

from collections.abc import Iterable
from typing import Any

from .. import surrogate as surrogates
from .plan import FAMILIES, MARGINS, Plan

Words = list[list[str]]  # [heading, sentence, sentence, ...]


def at_threshold_one(threshold: float, surrogate: str, lr: float, weight_decay: float = 0.0) -> dict[str, Any]:
    """Return the settings at threshold 1 with which a network learns the same spikes.

    Examples
    --------
    >>> at_threshold_one(0.5, "fast_sigmoid:8", lr=0.006, weight_decay=0.05)
    {'threshold': 1.0, 'surrogate': 'fast_sigmoid:4', 'lr': 0.012, 'weight_decay': 0.025}
    """
    curve = surrogates.parse(surrogate)
    same = surrogates.Surrogate(curve.name, curve.scale * threshold, curve.gain)
    return {
        "threshold": 1.0,
        "surrogate": str(same),
        "lr": lr / threshold,
        "weight_decay": weight_decay * threshold,
    }


def text(plan: Plan) -> Words:
    """Return the protocol of a plan: parts, each a heading and its sentences."""
    trials, cells = len(plan.scales) * len(plan.rates), len(plan.betas) * len(FAMILIES)
    families, lanes = "fast sigmoid and arctangent", "/".join(map(str, plan.lanes))
    steps, seeds, loss = plan.training["num_steps"], len(plan.seeds), _count(100 * plan.tolerance, "point")
    followed = _count(plan.followed, "fastest setting")
    bars = [
        f"The default has at least {100 * plan.least:g} % of the test images right." if plan.least else "",
        f"At T = {steps}, a faster setting saves at least {100 * plan.cut:g} % of the default's cycles for at most "
        f"{loss} of accuracy.",
        f"With T free and early exit, it saves at least {100 * plan.cut_with_steps:g} % for at most {loss}.",
        f"The fast sigmoid fires less than the arctangent at a loss of at most {loss}, at each beta.",
        "Each comparison of latency also shows the default itself, its answer read after fewer steps: the fewest that "
        f"lose at most {loss} on validation images.",
    ]
    return [
        [
            "What is chosen, and how",
            f"Everything is measured on the quantised network of 8 bits, on lanes {lanes}, at T = {steps} unless a "
            "setting says otherwise. Every choice uses validation images alone; the test images choose nothing.",
            f"Trials: for each beta ({listed(plan.betas)}) and family ({families}), at threshold 1, {trials} trials: "
            f"the scales {listed(plan.scales)} with the learning rates {listed(plan.rates)}, each "
            f"{plan.trial_epochs} epochs of one seed.",
            f"Finalists: the best {plan.finalists} of each {trials} are trained with all {seeds} seeds, and the higher "
            "mean accuracy is chosen; if the next is within one standard error of the difference, the report says "
            "that they are tied.",
            f"At the default's beta, {plan.beta:g}, the choice is better founded, as all else is compared with it: "
            f"every scale of both families, with the better of its learning rates, trains {plan.epochs} epochs with "
            f"all {seeds} seeds, and the highest mean accuracy is chosen. These trainings are the curves too.",
            "The threshold is 1, because it is no free setting: (threshold, scale k, learning rate, weight decay) "
            "learns the same spikes as (1, k*threshold, lr/threshold, decay*threshold).",
        ],
        [
            "What is compared",
            f"All that is compared trains {plan.epochs} epochs on one schedule with {seeds} seeds "
            f"({listed(plan.seeds)}): the setting chosen for each of the {cells} pairs of beta and family. The "
            f"default is the fast sigmoid at beta {plan.beta:g}, the best that its beta and threshold allow.",
            f"A price on cycles: the fast sigmoid of each beta with the weights {listed(plan.cycle_penalties)}, which "
            f"rise over the first {100 * plan.ramp:g} % of the training; {plan.epochs} epochs of one seed.",
            f"Learned {plan.learned.replace(',', ' and ')} of each layer: the default, and the {followed} with a price "
            f"that are within {loss} of it; {plan.epochs} epochs of one seed.",
            f"Fewer steps: the same settings, with nothing learned but weights, at T = {listed(plan.steps)}; "
            f"{plan.epochs} epochs of one seed.",
            "Early exit, where T is free: each network, its images ending at a lead of "
            f"{listed(MARGINS[:-1])}, or when the answer is final.",
            f"Of all these, for each bar, the {followed} within {loss} of the default are trained with all seeds. The "
            "fastest whose mean loss is at most half of that is tested; if there is none, the one that loses least.",
            "The default and what each bar is tested with are trained again, with all seeds, on all training images, "
            "those too that were held out to choose them. The bars are tested with these networks; when an answer is "
            "read was chosen before.",
            f"Beta by threshold: {len(plan.betas) * len(plan.thresholds)} cells (thresholds "
            f"{listed(plan.thresholds)}) at the default's scale and learning rate.",
        ],
        [
            "What is claimed",
            *filter(None, bars),
            "A number is a mean over seeds and test images. Its interval holds 95 % of the bootstrap's: blocks of "
            "consecutive images and seeds are drawn again with replacement, the same blocks for both sides of a "
            "comparison.",
            'A bar "holds" if the whole interval passes it, "does not hold" if the whole interval misses it, and is '
            '"not resolved" otherwise.',
            "Stages are computed in the order of this page; what time did not allow is listed.",
        ],
        *([["Departures", *plan.departures]] if plan.departures else []),
    ]


def _count(number, noun):
    """Return a number with a noun, such as "2 fastest settings"; the noun alone for 1, as in "the fastest setting"."""
    if number == 1:
        return noun if " " in noun else f"1 {noun}"
    return f"{number:g} {noun}s"


def listed(values: Iterable[float]) -> str:
    """Return numbers in words, such as "0.25, 1, 4"."""
    return ", ".join(f"{value:g}" for value in values)
