"""Which process runs what, and what it has imported by then."""

from __future__ import annotations

import gc
from typing import Any

import pytest

ONE_WORKER = ("tests/cli/", "tests/workflow/")
"""Folders whose tests start commands from one process that has imported everything: a second one takes seconds."""
FIGURES = "tests/pl/test_all_plots.py"

# Imports make millions of objects and nothing to collect: looking through them takes a second a process.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The process that only hands tests to workers needs nothing of what they import; coverage counts from here on."""
    if hasattr(session.config, "workerinput") or not session.config.getoption("numprocesses", None):
        session.config.pluginmanager.import_plugin("tests._fixtures")


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection looks through it again."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(5000)  # cells and figures that tests drop are few and large, and do not wait for a collection


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of a file stay with one worker, those of such a folder too."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = next((folder for folder in ONE_WORKER if nodeid.startswith(folder)), None)
            return folder or super()._split_scope(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            """While the first worker compiles the kernels, the second draws: it finds them where numba keeps them."""
            if FIGURES in self.workqueue and not self.assigned_work[node] and any(self.assigned_work.values()):
                self.workqueue.move_to_end(FIGURES, last=False)
            super()._assign_work_unit(node)

    return Together(config, log)
