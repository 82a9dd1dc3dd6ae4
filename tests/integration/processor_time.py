"""Prints which tests take the most processor time, those of the programs that they start included.

Time on the clock says little where tests run side by side. Two tests that share a compiled program: the first pays.
"""

import resource

import pytest

DEAREST = 15


def seconds():
    """Processor time so far of this process and of all children that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    item.began = seconds()
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    if call.when == "teardown":
        item.user_properties.append(("processor_seconds", round(seconds() - item.began, 2)))


def pytest_terminal_summary(terminalreporter):
    spent = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "processor_seconds":
                    spent[report.nodeid] = value
    if not spent:
        return
    terminalreporter.section(f"the dearest of {len(spent)} tests, in seconds of processor time")
    for name in sorted(spent, key=spent.get, reverse=True)[:DEAREST]:
        terminalreporter.write_line(f"{spent[name]:8.1f}  {name}")
    terminalreporter.write_line(f"{sum(spent.values()):8.1f}  all of them")
