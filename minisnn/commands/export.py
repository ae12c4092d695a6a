"""Write a model as a file for other libraries: NIR, the Neuromorphic Intermediate Representation.

NIR files are read by snnTorch, Norse, Sinabs, Lava and other libraries, and by neuromorphic hardware. The file takes
raw pixels, the same at every step, for a model with direct coding, and spikes otherwise. The neurons of NIR are reset
to a value, so the model must have been trained with --reset zero. Needs pip install 'minisnn[interop]'.
"""

import shlex
from pathlib import Path

from ..errors import InputError
from . import wrapped


def add_arguments(parser):
    """Add the command's flags."""
    parser.add_argument("model", metavar="MODEL", help="model file (.npz) that minisnn train or import wrote")
    parser.add_argument("--nir", type=Path, required=True, metavar="FILE", help="file to write (.nir)")
    parser.add_argument(
        "--dt",
        type=float,
        default=1e-4,
        metavar="SECONDS",
        help="one time step, for the time constants in the file (default: 1e-4, as in files of snnTorch)",
    )


def run(args):
    """Write the file, and print what it holds."""
    from ..interop.nir import to_nir
    from ..interop.nir_file import is_nir
    from ..model import load

    if args.nir.suffix != ".nir":
        raise InputError(f"--nir {args.nir} must name a file that ends in .nir")
    if args.nir.is_file() and not is_nir(args.nir, by_name=False):
        raise InputError(f"--nir {args.nir} exists and is no NIR file; name another file, or delete this one")
    model = load(args.model, backend="numpy")
    to_nir(model, args.nir, args.dt)
    net, encoder = model.network, model.encoder
    shape = "x".join(map(str, net.input_shape[-1:] + net.input_shape[:-1]))
    if encoder.kind == "direct":
        inputs = f"raw pixels up to {encoder.max_value:g}, {shape}, the same at every step; normalises them itself"
    else:
        inputs = f"at each step what {encoder.kind} coding gives, {shape}"
    print(f"{args.nir}: {net.topology}, for a time step of {args.dt:g}")
    print(wrapped(f"takes   {inputs}", 8))
    print(wrapped(f"lacks   the number of time steps, {encoder.num_steps}, and of classes, {net.classes}", 8))
    print("back    " + shlex.join(["minisnn", "import", str(args.nir), *_flags_back(args, model)]))


def _flags_back(args, model):
    """Return the flags with which the file becomes this model again."""
    from ..encode import RECORDED

    encoder = model.encoder
    flags = ["--dt", f"{args.dt:g}", "--reset", "zero", "--steps", str(encoder.num_steps)]
    if encoder.kind != "direct":
        flags += ["--encoding", encoder.kind]
    if model.network.classes != model.network.layers[-1].shape.neurons:
        flags += ["--classes", str(model.network.classes)]
    if encoder.kind not in RECORDED:
        flags += ["--input-scale", "1"]
    return [*flags, "--max-value", f"{encoder.max_value:g}"]
