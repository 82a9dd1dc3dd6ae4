"""Checks that there is something to test, and gives every test the paths it shares."""

import signal
from pathlib import Path

import pytest

from support import GEMMAC, GEMMAC_OPT, OUT

pytest_plugins = ["processor_time"]


def pytest_addoption(parser):
    group = parser.getgroup("gemmac")
    group.addoption("--long", action="store_true", help="run the tests that are marked as long, too")
    group.addoption("--left-out", type=Path, help="file for the names of tests that --long would add")


def pytest_configure(config):
    # Started in the background or under nohup, children ignore some signals, and programs rightly keep ignoring them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    config.addinivalue_line("markers", "long: runs only with --long; a test of the same kind runs always")
    for program in (GEMMAC, GEMMAC_OPT):
        if not program.exists():
            raise pytest.UsageError(f"no {program}: build first, or name the build folder in GEMMAC_BUILD")
    OUT.mkdir(parents=True, exist_ok=True)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if not item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    workers = getattr(config, "workerinput", {"workerid": "gw0"})  # every worker of pytest-xdist collects the same
    if (path := config.getoption("--left-out")) and workers["workerid"] == "gw0":
        path.write_text("".join(f"{item.nodeid}\n" for item in left_out))


def pytest_report_header():
    from support import levels

    return [
        f"level {one.name}: {one.missing or ('runs here' if not one.launcher else ' '.join(one.launcher))}"
        for one in levels()
    ]
