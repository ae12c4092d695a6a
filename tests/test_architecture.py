"""Rules of the house: directions of imports, type hints and habits, checked over paths, without a list of files."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import minisnn
import minisnn_hw

ROOT = Path(__file__).parents[1]
PACKAGES = {"minisnn": ROOT / "minisnn", "minisnn_hw": ROOT / "hw"}
# module name -> file, as "minisnn.timing.cycles" or "minisnn_hw.lif"
MODULES = {
    ".".join([package, *path.relative_to(folder).with_suffix("").parts]).removesuffix(".__init__"): path
    for package, folder in PACKAGES.items()
    for path in sorted(folder.rglob("*.py"))
}
ROWS = ("linear", "conv2d", "maxpool", "lif")
EXTRAS = {"numba", "scipy", "matplotlib", "tqdm", "myhdl", "torch", "snntorch", "h5py"}

# Rooms from the ground up; a room may import the rooms below it. "" is the top of the package.
FLOORS = {
    "minisnn": (
        ("kernels",),
        ("",),
        ("fixed",),
        ("timing",),
        ("data",),
        ("training",),
        ("study", "inspector", "interop"),
        ("commands",),
    ),
    "minisnn_hw": (("parts",), ("",), ("generate",), ("verify",), ("synth", "delivery"), ("boards",)),
}


def room(module):
    """Return the room of a module: "timing" for minisnn.timing.cycles, "" for the top."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and MODULES[module].parent != PACKAGES[parts[0]] else ""


def imported(module, everywhere=True):
    """Return the full names of a module's imports; with ``everywhere=False`` only those at its top level."""
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    names = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{source}.{alias.name}" for alias in node.names} | {source}
    return names


def ours(module, everywhere=True):
    """Return the project's modules among the imports, except packages' ``__init__``."""
    return {name for name in imported(module, everywhere) if name in MODULES and MODULES[name].stem != "__init__"}


def outside(module, everywhere=True):
    """Return the top-level names of the other imports."""
    return {name.split(".")[0] for name in imported(module, everywhere)} - set(PACKAGES)


def in_room(package, name):
    return [module for module in MODULES if module.startswith(package) and room(module) == name]


def test_the_checkout_is_tested():
    """The tests must not run an older installed copy; ``pip install -e '.[test]'`` installs the checkout."""
    assert Path(minisnn.__file__).resolve().parent == ROOT / "minisnn"
    assert Path(minisnn_hw.__file__).resolve().parent == ROOT / "hw"


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_from_below(package):
    floor_of = {name: number for number, names in enumerate(FLOORS[package]) for name in names}
    for module in MODULES:
        if module.split(".")[0] != package or MODULES[module].stem in ("__init__", "__main__"):
            continue
        for name in ours(module):
            if name.startswith(f"{package}.") and room(name) != room(module):
                below = floor_of[room(name)] < floor_of[room(module)]
                # The network chooses its backend, so the top imports kernels where it runs them.
                assert below, f"{module} imports {name}"


def test_every_room_says_what_is_in_it():
    for module, path in MODULES.items():
        if path.stem == "__init__":
            assert len((ast.get_docstring(ast.parse(path.read_text())) or "").split()) > 15, module


def test_no_circles():
    """The modules can be ordered so that each comes after all its imports."""
    graph = {module: ours(module) for module in MODULES}
    placed = set()
    while graph:
        ready = {module for module, needs in graph.items() if needs <= placed | {module}}
        assert ready, f"a circle among {sorted(graph)}"
        placed |= ready
        graph = {module: needs for module, needs in graph.items() if module not in ready}


@pytest.mark.parametrize("column", ["minisnn", "minisnn.kernels", "minisnn.fixed", "minisnn_hw"])
def test_rows_never_import_each_other(column):
    rows = {f"{column}.{row}" for row in ROWS}
    for row in rows:
        assert not ours(row) & (rows | {f"{column}.network"} - {row}), row


def test_kernels_import_numpy_and_numba_alone():
    for module in in_room("minisnn.", "kernels"):
        if MODULES[module].stem == "__init__":
            continue
        others = outside(module) - sys.stdlib_module_names
        assert others <= {"numpy", "numba", "llvmlite"}, module  # llvmlite comes with Numba
        assert all(name.startswith("minisnn.kernels.") for name in ours(module)), module


def test_blocks_import_myhdl_and_one_another_alone():
    """An FPGA reader can copy the blocks into another project."""
    for name in ("", "parts"):
        for module in in_room("minisnn_hw", name):
            if MODULES[module].stem == "__init__":
                continue
            assert outside(module) <= {"myhdl", *sys.stdlib_module_names}, module
            assert {room(other) for other in ours(module)} <= {"", "parts"}, module


def test_hardware_knows_only_integers_and_timing():
    """No float reaches the hardware; in ``minisnn``, only commands import the hardware."""
    for module in MODULES:
        others = {name for name in ours(module) if name.split(".")[0] != module.split(".")[0]}
        if MODULES[module].stem == "__init__":  # a package may say how it loads its modules (at the top of minisnn)
            assert not {room(name) for name in others} - {""}, module
        elif module.startswith("minisnn_hw"):
            assert {room(name) for name in others} <= {"fixed", "timing"}, module
        elif room(module) != "commands":
            assert not others, module


def test_text_files_are_the_same_on_every_system():
    """Windows would read and write them in another encoding, and end lines otherwise, which simulators do not read."""
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", "")
            named = {keyword.arg for keyword in getattr(node, "keywords", ())}
            wanted = {"read_text": {"encoding"}, "write_text": {"encoding", "newline"}}.get(name, set())
            assert wanted <= named, f"{module}, line {node.lineno}: {name} without {wanted - named}"


def test_importing_is_light():
    """Packages that only some commands need are imported where they are used, so that --help is instant."""
    for module in MODULES:
        if module.startswith("minisnn.") and room(module) != "kernels":
            assert not outside(module, everywhere=False) & EXTRAS, module
            at_once = ours(module, everywhere=False)
            compiled = {"minisnn.fixed.jit", "minisnn.timing.loops"}  # with Numba, where they are imported
            assert not any(room(name) == "kernels" for name in at_once), module
            assert module in compiled or not at_once & compiled, module


def test_libraries_of_others_are_imported_in_their_room():
    for module in MODULES:
        if room(module) != "interop" or not module.startswith("minisnn."):
            assert not outside(module) & {"torch", "snntorch", "h5py", "nir"}, module


def test_modules_load_on_first_use():
    """`from minisnn import fixed` is enough for `fixed.lif`, in an interpreter that has imported nothing else."""
    names = [name for name in MODULES if "." in name and "__" not in name and room(name) != "commands"]
    packages = [name for name in names if MODULES[name].stem == "__init__"]
    code = f"import minisnn, minisnn_hw; {'; '.join(sorted(names, key=lambda name: (name.count('.'), name)))}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for package in packages:
        assert not hasattr(importlib.import_module(package), "no_such_module"), package


def test_habits():
    for module, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        assert "allow_pickle=True" not in text, module
        assert "import *" not in text, module
        if room(module) != "commands" and path.stem != "__main__":
            assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), module
        if not path.stem.startswith("plot"):
            assert "matplotlib" not in text, module
        legacy = [
            call
            for call in calls
            if isinstance(call, ast.Attribute)
            and ast.unparse(call).startswith("np.random.")
            and call.attr not in ("default_rng", "SeedSequence", "Generator")
        ]
        assert not legacy, module


# Rooms whose public functions have type hints, and whose functions take few arguments. All of them, in the end.
ROOMS = [f"{package}.{name}".rstrip(".") for package, floors in FLOORS.items() for names in floors for name in names]


def public_functions(tree):
    """(label, node) of the module's functions and its classes' methods without a leading underscore."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield f"{node.name}.{method.name}", method
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node


def decorators(node):
    """Names of a function's decorators, without their arguments."""
    return {
        ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        for decorator in node.decorator_list
    }


def all_parameters(node):
    """A function's parameters as nodes, ``*args`` and ``**options`` included."""
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [parameter for parameter in listed if parameter is not None]


def without_hints(node, is_method):
    """Names of the parameters, and "return", that lack a type hint."""
    parameters = all_parameters(node)
    if is_method and "staticmethod" not in decorators(node):
        parameters = parameters[1:]  # self, or cls
    missing = [parameter.arg for parameter in parameters if parameter.annotation is None]
    return missing + (["return"] if node.returns is None else [])


def modules_of(name):
    """Modules of a room named as in ROOMS; the package itself belongs to its top."""
    package, _, inner = name.partition(".")
    return in_room(f"{package}.", inner) + ([] if inner else [package])


@pytest.mark.parametrize("name", [name for name in ROOMS if name not in {"minisnn.commands"}])
def test_public_functions_have_type_hints(name):
    """MyHDL converts blocks, and Numba compiles kernels, from their arguments: these need no hints."""
    for module in modules_of(name):
        for label, node in public_functions(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if not decorators(node) & {"block", "kernel", "intrinsic", "overload", "register_model"}:
                missing = without_hints(node, is_method="." in label)
                assert not missing, f"{module}.{label}: no type hint for {', '.join(missing)}"


@pytest.mark.parametrize("name", ROOMS)
def test_no_function_takes_more_than_16_arguments(name):
    """Blocks of the hardware included; ``self`` and constructors apart."""
    for module in modules_of(name):
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                names = [parameter.arg for parameter in all_parameters(node)]
                count = len(names) - (names[:1] in (["self"], ["cls"]))
                assert count <= 16, f"{module}.{node.name} takes {count} arguments"


@pytest.mark.parametrize("package, most", [("minisnn", 24), ("minisnn_hw", 30)])
def test_the_top_of_a_package_is_small(package, most):
    assert len(list(PACKAGES[package].glob("*.py"))) <= most
