"""Options, marks and data that all tests share.

With MINISNN_REQUIRE_TOOLS=1, as in CI, a test that is skipped because a tool is missing fails. Real data do not count
as a tool: they are read if MINISNN_TEST_DATA names a folder with svhn10k/ and mnist/, and MINISNN_TEST_NIR one with
the .nir files that tests/interop/test_nir.py names.

``pytest -m quick`` is the inner loop, under a minute on two cores: the rows and what they share, integers and timing,
and the rules of the house, of the docstrings and of the packages. Simulators of HDL, other libraries, commands and
studies are left out.
"""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

# A shell starts what it runs in the background deaf to Ctrl-C, and so would be the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
# Tests that are not quick, by file name or test name, among those that `is_quick` would choose.
SLOW = {"test_peers.py", "test_trace.py", "test_examples_run"}
# Files in other folders that are quick.
QUICK = {"test_docs.py", "test_packaging.py"}


def is_quick(item):
    """Return True for the tests at the top of the folder and those of QUICK, except slow ones."""
    chosen = item.path.parent == TESTS or item.path.name in QUICK
    return chosen and not {item.path.name, item.originalname} & SLOW


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items):
    """Mark the quick tests, and put them last: long files begin early, so that no worker waits for another's."""
    for item in items:
        if is_quick(item):
            item.add_marker("quick")
    items.sort(key=is_quick)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    required = os.environ.get("MINISNN_REQUIRE_TOOLS") == "1"
    if report.skipped and required and "MINISNN_TEST_" not in str(call.excinfo.value):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but all tools are required: {call.excinfo.value}"


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Path of a file with 240 small images of three classes, which differ in brightness."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 240)
    x = (rng.random((240, 6, 6)) * 100 + 50 * y[:, None, None]).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "three.npz"
    np.savez(path, X=x, y=y)
    return str(path)
