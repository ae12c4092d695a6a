"""A delivery: design, testbench, vectors, load and manual in one folder that needs nothing else.

The testbench's expected values come from the integers and the cycle model, never from the gates.
"""

import os
import shutil
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from minisnn.timing import cycles

from .. import accelerator as top
from ..generate import convert as convert_module
from ..generate.convert import convert
from ..generate.words import image_words, load_words
from .benches import bench, digits, script
from .manual import header, manual
from .manual_tables import layer_table

SUMS = "SHA256SUMS"
# Names that the VHDL, or its testbench, takes from libraries: an entity of such a name would hide them.
TAKEN = frozenset(
    """work ieee std std_logic_1164 numeric_std textio env std_logic std_logic_vector signed unsigned
integer natural positive boolean string line text output true false resize to_integer to_signed to_unsigned to_hstring
shift_left shift_right rising_edge read write hread readline writeline endfile finish failure bool stdl
tern_op""".split()
)


def check_name(name: str, hdl: str) -> None:
    """Raise ValueError unless the name is an identifier in VHDL and Verilog that the files do not use otherwise."""
    convert_module.check_name(name, hdl)
    if name.lower() in TAKEN or name.lower().startswith("pck_myhdl"):
        raise ValueError(f"{name!r} means something else in the files; give the design another name")


def deliver(
    model: Any,
    images: Any,
    spec: Any,
    name: str = "accelerator",
    hdl: str = "vhdl",
    probed: bool = False,
    sample: Any = None,
) -> dict[str, str]:
    """Return all files of a delivery.

    Parameters
    ----------
    model : minisnn.fixed.model.IntegerModel
    images : ndarray of shape (B, ...)
        Raw images for the vectors.
    spec : minisnn_hw.spec.AcceleratorSpec
    name : str
        Name of the entity or module.
    hdl : "vhdl" or "verilog"
    probed : bool
        Include the ports of the probe.
    sample : ndarray of shape (N, ...), optional
        First images of the test set; the manual gives the range of their cycles.

    Returns
    -------
    files : dict of str to str
        Texts by file name; the same arguments give the same texts.

    Raises
    ------
    ValueError
        If the number of steps cannot be loaded, or the name is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> import minisnn as ms
    >>> from minisnn_hw import specify
    >>> net = ms.Network("3-2", (4,), rng=np.random.default_rng(0))
    >>> integer, _ = ms.quantize(ms.Model(net, ms.Encoder("latency", 2)))
    >>> files = deliver(integer, np.zeros((1, 4), np.uint8), specify(integer.network, (1, 1)), "tiny", "verilog")
    >>> sorted(files)  # doctest: +NORMALIZE_WHITESPACE
    ['README.md', 'SHA256SUMS', 'expected.txt', 'images.txt', 'load.txt', 'run.sh', 'tiny.v', 'tiny_bench.sv']
    """
    check_name(name, hdl)
    inputs, run = next(model.run(images, "spikes", batch_size=len(images)))
    stimulus = cycles.Stimulus.of(model.network, inputs, run, model.num_steps)
    predicted = _predict(stimulus, spec)
    latencies = None
    if sample is not None:
        more = cycles.Stimulus.of_images(model, sample)
        latencies = _predict(more, spec).latency, int(_predict(more, spec, "dense").latency.max())
    load = load_words(model.network, spec, model.num_steps)
    answers = [
        [*scores, max(range(len(scores)), key=scores.__getitem__), count]
        for scores, count in zip(run.scores.tolist(), predicted.latency.tolist())
    ]
    files = {
        "load.txt": _lines([load], spec.load_bits),
        "images.txt": _lines([image_words(inputs, image, spec) for image in range(len(answers))], spec.input_bits),
        "expected.txt": _lines(answers, spec.output_bits),
    }
    most_cycles = 2 * (len(load) + sum(answer[-1] for answer in answers)) + 10_000
    ports = top.ports(spec, probed)
    design = []

    def make(**signals):
        design.append(top.design(spec)(**signals))
        design[0].__doc__ = "README.md says what the ports mean."
        return design[0]

    with TemporaryDirectory() as folder:
        converted = convert(make, *ports, folder, name, hdl, header(model, spec, name, ports), std_logic=True)
        files |= {each.name: each.read_text(encoding="utf-8") for each in converted}
    package = converted[0].name if hdl == "vhdl" else ""
    files[f"{name}_bench{'.vhd' if hdl == 'vhdl' else '.sv'}"] = bench(hdl, name, spec, ports[1], most_cycles)
    files["run.sh"] = script(hdl, name, package)
    files["README.md"] = manual(
        model, spec, name, hdl, package, ports, load, answers, predicted.interval, latencies, memories(design[0])
    )
    files[SUMS] = _sums(files)
    return files


def _predict(stimulus, spec, schedule="pipelined"):
    return cycles.predict(
        stimulus,
        [each.lanes for each in spec.layers],
        schedule,
        in_lanes=spec.layers[0].in_lanes,
        wide=[each.taps > 1 for each in spec.layers],
    )


def memories(design: Any) -> list[tuple]:
    """Return (path, signal that is read, words, bits of a word) of every memory in a converted design."""
    result = []
    for sub in design.subs:
        if isinstance(sub, type(design)):
            if sub.func is top.ram.func:
                words = sub.memdict["words"].mem
                read = [name for name, signal in design.sigdict.items() if signal is sub.sigdict["read_data"]]
                # MyHDL knows no name of what was named after a block's first part: that is in wide lanes alone.
                result.append((sub.name, read[0] if read else "stored", len(words), len(words[0])))
            else:
                result += [(f"{sub.name}_{path}", *rest) for path, *rest in memories(sub)]
    return result


def write(folder: Any, files: dict) -> None:
    """Write the files of :func:`deliver`, all or none.

    The folder must be new, empty, or hold an unchanged delivery, which is replaced together with the reports on it.
    """
    folder = Path(folder)
    check_folder(folder)
    temporary = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        new, old = temporary / "new", temporary / "old"
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text, encoding="utf-8", newline="\n")
        (new / "run.sh").chmod(0o755)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            if old.exists():
                os.replace(old, folder)
            raise
    finally:
        shutil.rmtree(temporary)


def check_folder(folder: Any) -> None:
    """Raise FileExistsError unless the folder is new, empty, or holds an unchanged delivery.

    An unchanged delivery has only files whose sums are in SHA256SUMS. Raise FileNotFoundError if the parent is missing.
    """
    folder = Path(folder)
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"{folder.parent} does not exist; make it, or name another folder than {folder}")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FileExistsError(f"{folder} is not a folder; name another")
    if not folder.exists():
        return
    known = {name: digest for digest, _, name in (line.partition("  ") for line in _lines_of_sums(folder))}
    for name in sorted(each.name for each in folder.iterdir()):
        file = folder / name
        if name != SUMS and not (name in known and file.is_file() and _digest(file.read_bytes()) == known[name]):
            raise FileExistsError(f"{folder} holds {name}, which is not as minisnn vhdl wrote it; name a new folder")


def check_report(folder: Any, model: Any, spec: Any) -> None:
    """Raise FileExistsError if the folder's manual describes other layers, lanes or widths than the report's design."""
    manual_file = Path(folder) / "README.md"
    delivered = any(line.endswith("  README.md") for line in _lines_of_sums(folder))
    if delivered and layer_table(model, spec).strip() not in manual_file.read_text(encoding="utf-8"):
        raise FileExistsError(
            f"{folder} holds the design of another network, or other lanes; name another folder, or "
            "what it was written with"
        )


def with_sums(folder: Any, files: dict) -> dict:
    """Return `files`, which are put beside a delivery, and the SHA256SUMS that makes them part of it."""
    others = [line + "\n" for line in _lines_of_sums(folder) if line.partition("  ")[2] not in files]
    return files | {SUMS: "".join(others) + _sums(files)}


def _lines_of_sums(folder):
    file = Path(folder) / SUMS
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []


def _sums(files):
    return "".join(f"{_digest(text.encode())}  {name}\n" for name, text in sorted(files.items()))


def _digest(content):
    return sha256(content).hexdigest()


def _lines(packets, width):
    """Return a beat a line: tlast, and the word in hexadecimal, two's complement."""
    mask = (1 << width) - 1
    return "".join(
        f"{int(at == len(packet))} {word & mask:0{digits(width)}X}\n"
        for packet in packets
        for at, word in enumerate(packet, 1)
    )
