"""The house: which way imports run, and habits that a machine can see."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "minisnn").rglob("*.py"))
ROWS = {"linear", "conv2d", "maxpool", "lif"}
LIBRARY = {path.stem for path in (ROOT / "minisnn").glob("*.py")}


def imports(path, everywhere=True):
    """Names of modules that a file imports; only at its top level with ``everywhere=False``."""
    tree = ast.parse(path.read_text())
    package = ".".join(path.relative_to(ROOT).parent.parts)
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[:len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return found


def project(path, everywhere=True):
    """Those of them that are ours, as 'network' or 'kernels.fire'."""
    names = {name.removeprefix("minisnn.") for name in imports(path, everywhere) if name.startswith("minisnn.")}
    return {name for name in names if (ROOT / "minisnn" / (name.replace(".", "/") + ".py")).exists()}


@pytest.mark.parametrize("folder", ["minisnn", "minisnn/kernels", "minisnn/fixed"])
def test_rows_never_import_each_other(folder):
    for row in ROWS:
        stems = {name.split(".")[-1] for name in project(ROOT / folder / f"{row}.py")}
        assert not stems & (ROWS | {"network"}), row


def test_kernels_import_numpy_and_numba_alone():
    for path in (ROOT / "minisnn/kernels").glob("*.py"):
        allowed = {"numpy", "numba", "os", "concurrent", "dataclasses", "math", "operator"}
        if path.stem == "simd":
            allowed |= {"llvmlite"}  # comes with Numba
        outside = {name.split(".")[0] for name in imports(path) if not name.startswith("minisnn")}
        assert outside <= allowed, path
        assert all(name.startswith("kernels") for name in project(path)), path


def test_blocks_import_myhdl_and_one_another_alone():
    """So that an FPGA reader can lift them out; simulate and its like may know the integers, never a float."""
    for path in (ROOT / "hw").glob("*.py"):
        outside = {name.split(".")[0] for name in imports(path)} - {"hw", "myhdl", "dataclasses"}
        if path.stem in ("simulate", "cosimulate", "cosimulate_hdl", "host", "tools", "convert", "specify",
                         "synthesize", "waveform", "resources", "equivalence", "deliver", "benches", "manual",
                         "manual_tables"):
            ours = {name for name in imports(path) if name.startswith("minisnn.")}
            assert all(name.split(".")[1] in ("fixed", "quantize", "cycles") for name in ours), path
        else:
            assert not outside, path


def test_no_circles():
    """Every file can be put after all that it imports."""
    graph = {".".join(path.relative_to(ROOT / "minisnn").with_suffix("").parts): project(path) for path in FILES}
    placed = set()
    while graph:
        ready = {name for name, needs in graph.items() if needs <= placed | {name}}
        assert ready, f"a circle among {sorted(graph)}"
        placed |= ready
        graph = {name: needs for name, needs in graph.items() if name not in ready}


def test_lower_files_do_not_know_higher_ones():
    order = ["surrogate", "linear", "conv2d", "maxpool", "lif", "network", "train", "commands.train"]
    for index, name in enumerate(order):
        path = ROOT / "minisnn" / (name.replace(".", "/") + ".py")
        assert not project(path) & set(order[index + 1:]), name


def test_importing_is_light():
    """numba, scipy, matplotlib and tqdm are imported where they are used, but for the kernels and the integers."""
    for path in FILES:
        if not {"kernels", "fixed"} & {*path.parts}:
            outside = {name.split(".")[0] for name in imports(path, everywhere=False)}
            assert not outside & {"numba", "scipy", "matplotlib", "tqdm"}, path
            assert not any(name.startswith("kernels") for name in project(path, everywhere=False)), path


def test_hardware_is_not_known_to_the_library():
    for path in FILES:
        if "commands" not in path.parts:
            assert not any(name.split(".")[0] == "hw" for name in imports(path)), path


def test_habits():
    for path in FILES:
        text, tree = path.read_text(), ast.parse(path.read_text())
        assert "allow_pickle=True" not in text, path
        assert "import *" not in text, path
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if "commands" not in path.parts and path.stem != "__main__":
            assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls), path
        if not path.stem.startswith("plot"):
            assert "matplotlib" not in text, path
        legacy = [f for f in calls if isinstance(f, ast.Attribute) and ast.unparse(f).startswith("np.random.")
                  and f.attr not in ("default_rng", "SeedSequence", "Generator")]
        assert not legacy, path
    for path in [*FILES, *(ROOT / "hw").glob("*.py")]:
        assert max(map(len, path.read_text().splitlines())) <= 120, path
