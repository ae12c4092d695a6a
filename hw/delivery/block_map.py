"""The manual's map: from the blocks of a design to their files, to the Python that they come from, and to a lesson."""

from collections.abc import Iterable

from ..generate.convert import SUFFIXES
from ..generate.hierarchy.entities import Entity
from ..generate.hierarchy.header import file_of
from .manual_tables import table

LISTED = 3  # files of a block that are all listed; of more, the first and the last

# The Python files whose blocks a lesson explains: those in parts/, and the others.
_LESSONS = {
    "tutorials/09_one_neuron_in_gates.py": "lif",
    "tutorials/10_the_accelerator.py": "accelerator banks conv2d firing_pass lane lanes layer layer_control linear "
    "maxpool pack pixel_words reach scores spike_buffer spike_scanner stage step_sums tap_walk windows word_position "
    "parts/accumulate parts/look_up parts/memory parts/register parts/rotate parts/stages parts/sum_control",
    "tutorials/12_vhdl.py": "load_check loader send_answer stream_in parts/crc parts/times",
}
LESSONS = {f"hw/{file}.py": lesson for lesson, files in _LESSONS.items() for file in files.split()}


def block_table(entities: Iterable[Entity], hdl: str) -> str:
    """Return the table of the blocks of a design, a row for each Python file; `entities` are given with the top last.

    A block that is none of the library's has no lesson.
    """
    files: dict[str, dict[str, list[str]]] = {}  # by Python file and block
    for entity in reversed(list(entities)):
        blocks = files.setdefault(file_of(entity.func), {})
        blocks.setdefault(entity.func.__name__, []).insert(0, f"`{entity.name}{SUFFIXES[hdl]}`")
    rows = [
        (
            ", ".join(f"`{block}`" for block in blocks),
            ", ".join(map(_listed, blocks.values())),
            f"`{python}`",
            f"`{LESSONS[python]}`" if python in LESSONS else "none",
        )
        for python, blocks in files.items()
    ]
    return table(("blocks", "files", "made from", "explained in"), rows)


def _listed(files: list[str]) -> str:
    return ", ".join(files) if len(files) <= LISTED else f"{files[0]} to {files[-1]} ({len(files)} files)"
