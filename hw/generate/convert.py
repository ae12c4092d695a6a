"""Convert a block to VHDL or Verilog: an entity or module, and a file, for each kind of block in it.

The same block gives the same bytes, in any process and after any other conversion or simulation in it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .hierarchy.compact import laid_out
from .hierarchy.conditions import package
from .hierarchy.drawing import drawing
from .hierarchy.entities import Entity, entities_of
from .hierarchy.header import header as head
from .hierarchy.kinds import Kind, kinds_of
from .hierarchy.module import PACKAGE, Module
from .hierarchy.names import KEYWORDS
from .hierarchy.source import with_comments
from .hierarchy.tidy import tidy

SUFFIXES = {"vhdl": ".vhd", "verilog": ".v"}


def convert(
    block: Any,
    folder: str | Path,
    name: str | None = None,
    hdl: str = "vhdl",
    header: str = "",
    std_logic: bool = False,
    done: Callable[[], None] = lambda: None,
) -> list[Path]:
    """Convert a block with its hierarchy: each kind of block in it becomes an entity or module in a file of its own.

    Blocks that differ in nothing share an entity; those that differ in a few numbers share one with generics. The
    ports of an entity are the signals in the block's arguments: a signal of a bundle has the names of both, as in
    ``s_load_tdata``. The block that is given is not changed, and can be simulated before and after.

    Parameters
    ----------
    block : block of MyHDL
        Elaborated, or from :func:`minisnn_hw.generate.hierarchy.elaborate.unelaborated`, which is faster.
    folder : str or Path
        An existing folder for the files.
    name : str, optional
        Name of the top's entity and of its file; by default that of the block's function.
    hdl : "vhdl" or "verilog"
        VHDL, legal in the versions of 1993 and 2008, or Verilog-2001.
    header : str
        A comment for the head of the top.
    std_logic : bool
        True for ports of the top of type std_logic_vector; otherwise they are unsigned and signed, as those of all
        other entities are.
    done : callable
        Called without arguments whenever a kind of block is converted.

    Returns
    -------
    files : list of Path
        The package of conversions for VHDL, then a block before those that contain it, the top last: the order in which
        to analyse VHDL. ``NAME.f`` lists the names of the files, a line each.

    Raises
    ------
    ValueError
        If the language is unknown, `name` is not an identifier, a signal has two drivers, or a block uses a signal that
        is not among its arguments.
    TypeError
        If a port between two blocks has an enumerated type.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from myhdl import Signal
    >>> from minisnn_hw.maxpool import maxpool
    >>> from minisnn_hw.ports import bit, word
    >>> pool = maxpool(Signal(bool(0)), bit(), bit(), bit(), word(4), bit(), word(4))
    >>> with TemporaryDirectory() as folder:
    ...     [file.name for file in convert(pool, folder, "pool", "verilog")]
    ['pool.v']
    """
    design = converted(block, name, hdl, header, std_logic, done)
    for file, text in design.files.items():
        (Path(folder) / file).write_text(text, encoding="utf-8", newline="\n")
    return [Path(folder) / file for file in design.sources]


@dataclass(frozen=True)
class Design:
    """A converted block.

    Attributes
    ----------
    files : dict of str to str
        Text of each file, by name.
    top : Kind
        Its instances, and theirs.
    entities : list of Entity
        The entities in the files, a block before those that contain it, the top last.
    """

    files: dict[str, str]
    top: Kind
    entities: list[Entity]

    @property
    def sources(self) -> list[str]:
        """Names of the files in VHDL or Verilog: the package, sub-blocks before the blocks around them, the top."""
        return [file for file in self.files if not file.endswith(".f")]


def converted(
    block: Any,
    name: str | None = None,
    hdl: str = "vhdl",
    header: str = "",
    std_logic: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Design:
    """Return what :func:`convert` writes."""
    name = block.func.__name__ if name is None else name
    check_name(name, hdl)
    kinds = kinds_of(block, lambda *kind: Module(hdl, std_logic, *kind), done)
    entities = entities_of(kinds, name, hdl, {"work", "ieee", "std", PACKAGE, f"{name}_bench"})
    names = {kind: entity.name for entity in entities for kind in entity.kinds}
    texts = {}
    if hdl == "vhdl":
        texts[f"{PACKAGE}.vhd"] = tidy(package([entity.text for entity in entities]), "vhdl")
    for entity in entities:
        more = ""
        if entity is entities[-1]:
            picture = drawing(kinds[-1], names) if kinds[-1].children else ""
            more = f"{header}\n\n{picture}" if picture else header
        text = laid_out(with_comments(entity.text, entity.func, hdl), hdl)
        texts[entity.name + SUFFIXES[hdl]] = head(entity, hdl, more.strip()) + text
    texts[f"{name}.f"] = "".join(f"{file}\n" for file in texts)
    return Design(texts, kinds[-1], entities)


def check_name(name: str, hdl: str) -> None:
    """Raise ValueError unless the language is known and the name is an identifier in both languages."""
    if hdl not in SUFFIXES:
        raise ValueError(f"hdl must be vhdl or verilog, got {hdl!r}")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", name) or name.lower() in KEYWORDS:
        raise ValueError(f"the name must be an identifier in VHDL and Verilog, such as accelerator, got {name!r}")
