"""Checks that there is something to test, and gives every test the paths it shares."""

import signal

import pytest

from support import GEMMAC, GEMMAC_OPT, OUT


def pytest_configure(config):
    # Started in the background, a shell lets its children ignore Ctrl-C, and programs rightly keep ignoring it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "slow: takes more than half a minute, mostly emulation; -m 'not slow' leaves it out"
    )
    for program in (GEMMAC, GEMMAC_OPT):
        if not program.exists():
            raise pytest.UsageError(f"no {program}: build first, or name the build folder in GEMMAC_BUILD")
    OUT.mkdir(parents=True, exist_ok=True)


def pytest_report_header():
    from support import levels

    return [
        f"level {one.name}: {one.missing or ('runs here' if not one.launcher else ' '.join(one.launcher))}"
        for one in levels()
    ]
