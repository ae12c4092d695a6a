"""minisnn: a spiking neural network from the derivation of its gradient down to the FPGA clock cycle.

    Network                  built from its notation; forward over time, backward through time by hand
    load_data                digits, svhn, mnist, fashion-mnist, or a .npz of your own
    fit, evaluate, predict   train it, and ask it
    Model, load_model        a trained network and its file
    Surrogate                a surrogate gradient
    InputError, TrainingError
"""

from importlib import import_module

__version__ = "0.1.0"

# Imported when first used, so that `import minisnn` is quick.
_PUBLIC = {"Network": "network", "load_data": "data", "fit": "train", "evaluate": "inference",
           "predict": "inference", "Model": "model", "load_model": "model", "Surrogate": "surrogate",
           "InputError": "errors", "TrainingError": "errors"}
__all__ = list(_PUBLIC)


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'minisnn' has no attribute {name!r}")
    module = import_module(f".{_PUBLIC[name]}", __name__)
    return getattr(module, {"load_data": "load", "load_model": "load"}.get(name, name))


def __dir__():
    return sorted([*globals(), *__all__])
