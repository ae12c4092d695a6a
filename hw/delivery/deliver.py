"""An accelerator in one folder that does not need minisnn: design, testbench, vectors, load and manual.

The answers that the testbench expects come from the integers and the cycle model, never from the gates.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from minisnn.fixed.model import IntegerModel
from minisnn.timing import cycles

from .. import accelerator as top
from ..generate import convert as conversion
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.memories import memories
from ..generate.words import answer_words, image_words, load_words
from ..ports import bit
from ..spec import AcceleratorSpec
from ..verify.cosimulate import dropping_limit
from .benches import bench, digits, scripts
from .fusesoc import core
from .manual import header, manual
from .manual_tables import layer_table

SUMS = "SHA256SUMS"
PART = ".part"  # ends the name of a folder that is not complete yet
# Names that the VHDL or its testbench takes from libraries: an entity with such a name would hide them.
TAKEN = frozenset(
    """work ieee std std_logic_1164 numeric_std textio env std_logic std_logic_vector signed unsigned
integer natural positive boolean string line text output true false resize to_integer to_signed to_unsigned to_hstring
shift_left shift_right rising_edge read write hread readline writeline endfile file_open file_open_status
open_ok name_error finish failure bool stdl tern_op""".split()
)


def check_name(name: str, hdl: str) -> None:
    """Raise ValueError if `name` is not an identifier in VHDL and Verilog, or the files use it for something else."""
    conversion.check_name(name, hdl)
    if name.lower() in TAKEN or name.lower().startswith("pck_myhdl"):
        raise ValueError(f"{name!r} already has a meaning in the generated files; give the design another name")


def deliver(
    model: IntegerModel,
    images: np.ndarray,
    spec: AcceleratorSpec,
    name: str = "accelerator",
    hdl: str = "vhdl",
    probed: bool = False,
    sample: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    converted: Callable[[], None] = lambda: None,
    margin: float | None = None,
) -> dict[str, str]:
    """Generate all files of a delivery: design, testbench, load, images, expected answers, script and manual.

    Parameters
    ----------
    model : minisnn.fixed.model.IntegerModel
        The quantised network.
    images : ndarray, shape (B, ...)
        Raw images that the testbench sends.
    spec : minisnn_hw.spec.AcceleratorSpec
        Lanes and widths of the accelerator; see :func:`minisnn_hw.generate.specify.specify`.
    name : str
        Name of the entity or module.
    hdl : "vhdl" or "verilog"
        Language of the design: VHDL-2008, or Verilog-2001.
    probed : bool
        True for a design with the ports of the probe.
    sample : ndarray, shape (N, ...), optional
        The first images of the test set; the manual then states the range of their cycles.
    labels : ndarray, shape (B,), optional
        The classes of the images, which the testbench prints beside the answers.
    converted : callable
        Called without arguments whenever a kind of block is converted.
    margin : int or LOSSLESS, optional
        Margin of early exit in the load, see :mod:`minisnn.fixed.early_exit`; by default images take all steps.

    Returns
    -------
    files : dict of str to str
        Text of each file, by name. The same arguments give the same texts.

    Raises
    ------
    ValueError
        If the load cannot hold the model's number of steps, or the design cannot have this name.

    Examples
    --------
    >>> import minisnn
    >>> from minisnn_hw import specify
    >>> net = minisnn.Network("2", (3,), rng=np.random.default_rng(0))
    >>> integer, _ = minisnn.quantize(minisnn.Model(net, minisnn.Encoder("rate", 2)))
    >>> files = deliver(integer, np.eye(3), specify(integer.network, (1,)), "tiny", "verilog")
    >>> files["tiny.f"].splitlines()[-1]
    'tiny.v'
    """
    check_name(name, hdl)
    inputs, run = next(model.run(images, "spikes", batch_size=len(images)))
    stimulus = cycles.Stimulus.of(model.network, inputs, run, model.num_steps, margin)
    predicted = predict(stimulus, spec)
    latencies = None
    if sample is not None:
        more = cycles.Stimulus.of_images(model, sample, margin=margin)
        latencies = predict(more, spec).latency, int(predict(more, spec, "dense").latency.max())
    load = load_words(model.network, spec, model.num_steps, margin)
    scores = run.scores if stimulus.stops is None else stimulus.stops.scores
    answers = [[*words, count] for words, count in zip(answer_words(scores), predicted.latency.tolist())]
    files = {
        "load.txt": _lines([load], spec.load_bits),
        "images.txt": _lines([image_words(inputs, image, spec) for image in range(len(answers))], spec.input_bits),
        "expected.txt": _lines(answers, spec.output_bits),
    }
    if labels is not None:
        files["labels.txt"] = "".join(f"{label}\n" for label in labels)
    vectors = list(files)
    rest = 0 if margin is None else dropping_limit(spec, len(inputs))
    most_cycles = 2 * (len(load) + sum(answer[-1] + rest for answer in answers)) + 10_000
    ports = top.ports(spec, probed)
    block = unelaborated(top.design(spec), clk=bit(), **ports[0], **ports[1])
    design = conversion.converted(block, name, hdl, header(model, spec), True, converted)
    files |= design.files
    package = design.sources[0] if hdl == "vhdl" else ""
    bench_file = f"{name}_bench{'.vhd' if hdl == 'vhdl' else '.sv'}"
    files[bench_file] = bench(hdl, name, spec, ports[1], most_cycles, rest)
    files |= scripts(hdl, name)
    files[f"{name}.core"] = core(name, hdl, design.sources, bench_file, vectors)
    files["README.md"] = manual(
        model,
        spec,
        name,
        hdl,
        package,
        ports,
        load,
        answers,
        predicted.interval,
        latencies,
        memories(design.top),
        design.entities,
        margin,
    )
    files[SUMS] = sums_of(files)
    return files


def predict(stimulus: cycles.Stimulus, spec: AcceleratorSpec, schedule: str = "pipelined") -> cycles.Cycles:
    """Predict the cycles of a stimulus in this accelerator."""
    return cycles.predict(
        stimulus,
        [layer.lanes for layer in spec.layers],
        schedule,
        in_lanes=spec.layers[0].in_lanes,
        taps=[layer.taps for layer in spec.layers],
        second_bank=spec.layers[0].second_bank,
        positions=[layer.positions for layer in spec.layers],
    )


def write(folder: str | Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files of :func:`deliver`, all or none, to a folder that :func:`check_folder` accepts."""
    with renewed(folder) as new:
        fill(new, files)


def fill(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files into a folder; those that a shell runs may be run."""
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        if name.endswith(".sh"):
            (folder / name).chmod(0o755)


@contextmanager
def renewed(folder: str | Path) -> Iterator[Path]:
    """Give an empty folder, which takes the place of `folder` if no exception comes.

    A folder that :func:`check_folder` refuses is left alone.
    """
    folder = Path(folder)
    check_folder(folder)
    temporary = Path(mkdtemp(prefix=f".{folder.name}.", suffix=PART, dir=folder.parent))
    try:
        new, old = temporary / "new", temporary / "old"
        new.mkdir()
        yield new
        check_folder(folder)  # again: it may have been changed meanwhile
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:  # an interrupt too
            if old.exists() and not folder.exists():
                os.replace(old, folder)
            raise
    finally:
        if folder.exists() or not old.exists():  # else what was there is in `temporary`, and nowhere else
            shutil.rmtree(temporary)


def remove_leftovers(folder: str | Path) -> None:
    """Remove what a killed process left beside a folder that no process writes; what it had moved away comes back."""
    folder = Path(folder)
    for left in folder.parent.glob(f".{escape(folder.name)}.{'?' * 8}{PART}"):
        old = left / "old"
        with suppress(OSError):  # it belongs to another user
            if {path.name for path in left.iterdir()} <= {"new", "old"}:
                if old.exists() and not folder.exists():
                    os.replace(old, folder)
                shutil.rmtree(left)


def check_folder(folder: str | Path) -> None:
    """Raise FileExistsError unless a folder is new, empty, or holds only unchanged files listed in its SHA256SUMS.

    FileNotFoundError is raised if the parent of the folder does not exist, PermissionError if it cannot be written to.
    """
    folder = Path(folder)
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"{folder.parent} does not exist; create it, or choose another folder than {folder}")
    if not os.access(folder.parent, os.W_OK):
        raise PermissionError(f"{folder.parent} cannot be written to; choose another folder than {folder}")
    if folder.is_symlink():
        raise FileExistsError(f"{folder} is a symbolic link; name the folder itself: {folder.resolve()}")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is not a folder; choose another path")
    if not folder.exists():
        return
    known = {name: digest for digest, _, name in (line.partition("  ") for line in _lines_of_sums(folder))}
    for name in sorted(path.name for path in folder.iterdir()):
        file = folder / name
        if name != SUMS and not (name in known and file.is_file() and _digest(file.read_bytes()) == known[name]):
            raise FileExistsError(
                f"{folder} holds {name}, which minisnn did not write, or which was changed later; choose a new folder"
            )


def check_report(folder: str | Path, model: IntegerModel, spec: AcceleratorSpec) -> None:
    """Raise FileExistsError if the folder holds a design whose manual lists other layers, lanes or widths."""
    manual_file = Path(folder) / "README.md"
    delivered = any(line.endswith("  README.md") for line in _lines_of_sums(folder))
    if delivered and layer_table(model, spec).strip() not in manual_file.read_text(encoding="utf-8"):
        raise FileExistsError(
            f"{folder} holds the design of another network, or of other lanes; choose another folder, or give the "
            "model and flags that this design was written with"
        )


def with_sums(folder: str | Path, files: Mapping[str, str | bytes]) -> dict[str, Any]:
    """Return the files, and a SHA256SUMS that lists them together with those already listed in the folder."""
    others = [line + "\n" for line in _lines_of_sums(folder) if line.partition("  ")[2] not in files]
    return {**files, SUMS: "".join(others) + sums_of(files)}


def _lines_of_sums(folder):
    file = Path(folder) / SUMS
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []


def sums_of(files: Mapping[str, str | bytes]) -> str:
    """Return the text of SHA256SUMS."""
    contents = {name: content if isinstance(content, bytes) else content.encode() for name, content in files.items()}
    return "".join(f"{_digest(content)}  {name}\n" for name, content in sorted(contents.items()))


def _digest(content):
    return sha256(content).hexdigest()


def _lines(packets, width):
    """One beat per line: tlast, and the word in hexadecimal, in two's complement."""
    mask = (1 << width) - 1
    return "".join(
        f"{int(at == len(packet))} {word & mask:0{digits(width)}X}\n"
        for packet in packets
        for at, word in enumerate(packet, 1)
    )
