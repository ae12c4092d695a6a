"""The race of libraries runs on the same spikes, and its numbers are computed as stated."""

import json

import numpy as np
import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import race


def test_needed_operations_by_hand():
    """Operations of one image and one step: two for each multiply-add."""
    first = 30 * 30 * 32 * 3 * 3 * 3
    rest = 13 * 13 * 32 * 3 * 3 * 32 + 32 * 6 * 6 * 256 + 256 * 10
    assert race.needed_operations(1, 1) == 2 * (2 * first + 3 * rest)
    assert race.needed_operations(10, 32) == 32 * 2 * (2 * first + 10 * 3 * rest)


def test_a_small_race(monkeypatch, capsys):
    for library in ("torch", "snntorch", "spikingjelly"):
        pytest.importorskip(library)
    monkeypatch.setattr(benchmarks, "SETTINGS", {"t10_b32": (3, 2, 1), "t25_b128": (2, 3, 1)})
    assert benchmarks.main(["--quick", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {*benchmarks.BARS} <= set(result)
    assert all(np.isfinite(result[key]) and result[key] > 0 for key in benchmarks.BARS)
    assert all(apart["largest_difference"] == 0 for apart in result["agreement_of_counts"].values())
    assert benchmarks.main(["--quick"]) == 0
    table = capsys.readouterr().out
    assert "T = 3, batch 2" in table and "share of the limit" in table
