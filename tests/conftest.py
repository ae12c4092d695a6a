"""With MINISNN_REQUIRE_TOOLS=1, as in CI, a test that would be skipped for want of a tool fails."""

import os

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.skipped and os.environ.get("MINISNN_REQUIRE_TOOLS") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but all tools are required: {call.excinfo.value}"
