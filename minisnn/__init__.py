"""minisnn: a spiking neural network from the derivation of its gradient down to the FPGA clock cycle.

    Network                    a network from its notation: forward over time, backward through time by hand
    Surrogate, Encoder         a surrogate gradient; the code in which the network sees an image
    load_data                  digits, svhn (or svhn-grey), mnist, fashion-mnist, moving-digits, n-mnist, or an .npz
    Dataset, recordings        arrays in memory as a data set; lists of events, such as tonic's
    fit, evaluate, predict     train a network, measure it, ask it for classes
    cosine, ramp               schedules for fit: a learning rate, or another parameter, from epoch to epoch
    Model, load_model          a trained network, and its file
    quantize, load_integer     a network in integers, and its file
    cycles                     clock cycles of images on the accelerator, predicted
    trace, Factors             one image followed spike by spike; one weight's gradient as three factors
    from_snntorch, from_nir    a network of another library as a model; to_snntorch and to_nir lead back
    sweep                      many settings trained, quantised and timed, into a file
    InputError, TrainingError  a mistake in the input; a training that diverged

Examples
--------
>>> import numpy as np
>>> import minisnn as ms
>>> data = ms.load_data("digits")
>>> net = ms.Network("64-10", data.input_shape, rng=np.random.default_rng(0))
>>> model = ms.fit(net, data, epochs=5, num_steps=4)
>>> result = ms.evaluate(model, data.x_test, data.y_test)
>>> result.accuracy > 0.85, len(result.firing_rates)
(True, 2)
"""

from typing import TYPE_CHECKING

from .lazy import attach

__version__ = "0.1.0"

# Where each public name lives. Names, and modules such as `minisnn.lif`, are imported when first used.
_PUBLIC = {
    "Network": "network:Network",
    "Surrogate": "surrogate:Surrogate",
    "Encoder": "encode:Encoder",
    "load_data": "data.load:load",
    "Dataset": "data.dataset:Dataset",
    "recordings": "data.events:recordings",
    "fit": "training.train:fit",
    "cosine": "training.schedules:cosine",
    "ramp": "training.schedules:ramp",
    "evaluate": "training.inference:evaluate",
    "predict": "training.inference:predict",
    "Model": "model:Model",
    "load_model": "model:load",
    "quantize": "fixed.quantize:quantize",
    "load_integer": "fixed.model:load",
    "cycles": "timing.cycles:cycles",
    "trace": "inspector.trace:trace",
    "Factors": "inspector.factors:Factors",
    "from_snntorch": "interop.snntorch:from_snntorch",
    "to_snntorch": "interop.snntorch:to_snntorch",
    "from_nir": "interop.nir:from_nir",
    "to_nir": "interop.nir:to_nir",
    "sweep": "study.sweep:sweep",
    "InputError": "errors:InputError",
    "TrainingError": "errors:TrainingError",
}
__all__ = [
    "Network",
    "Surrogate",
    "Encoder",
    "load_data",
    "Dataset",
    "recordings",
    "fit",
    "cosine",
    "ramp",
    "evaluate",
    "predict",
    "Model",
    "load_model",
    "quantize",
    "load_integer",
    "cycles",
    "trace",
    "Factors",
    "from_snntorch",
    "to_snntorch",
    "from_nir",
    "to_nir",
    "sweep",
    "InputError",
    "TrainingError",
]

if TYPE_CHECKING:  # the same names for editors and type checkers; a test compares the two
    from . import (  # noqa: F401  (modules are public too)
        archive,
        backend,
        check,
        commands,
        conv2d,
        data,
        encode,
        errors,
        files,
        fixed,
        init,
        inspector,
        interop,
        kernels,
        layer,
        lif,
        linear,
        loss,
        maxpool,
        model,
        network,
        plot,
        result,
        rng,
        study,
        surrogate,
        terminal,
        timing,
        topology,
        training,
    )
    from .data.dataset import Dataset
    from .data.events import recordings
    from .data.load import load as load_data
    from .encode import Encoder
    from .errors import InputError, TrainingError
    from .fixed.model import load as load_integer
    from .fixed.quantize import quantize
    from .inspector.factors import Factors
    from .inspector.trace import trace
    from .interop.nir import from_nir, to_nir
    from .interop.snntorch import from_snntorch, to_snntorch
    from .model import Model
    from .model import load as load_model
    from .network import Network
    from .study.sweep import sweep
    from .surrogate import Surrogate
    from .timing.cycles import cycles
    from .training.inference import evaluate, predict
    from .training.schedules import cosine, ramp
    from .training.train import fit
else:
    __getattr__, __dir__ = attach(__name__, _PUBLIC)
