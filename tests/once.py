"""Work whose result several processes of one test session need, done by the first of them that wants it."""

import fcntl
import json
import os
from collections.abc import Callable
from typing import Any

import pytest


def once(paths: pytest.TempPathFactory, name: str, make: Callable[[], Any]) -> Any:
    """What `make` returns, a value that JSON can hold. Processes that come while it is made wait for it.

    pytest-xdist makes a fixture in every process that runs a test of its module, whatever the fixture's scope is.

    Arguments:
        paths: pytest's fixture `tmp_path_factory`.
        name: of the work, another one for each kind of it.
        make: does it.

    Example:
        >>> @pytest.fixture(scope="module")
        ... def found(tmp_path_factory):
        ...     return once(tmp_path_factory, "found", lambda: [1, 2])
    """
    session = paths.getbasetemp()
    folder = session.parent if "PYTEST_XDIST_WORKER" in os.environ else session
    result = folder / f"{name}.json"
    with open(folder / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            made = make()
            result.write_text(json.dumps(made))
        return json.loads(result.read_text())
