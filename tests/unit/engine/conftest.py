"""The starter model, and engines that have it loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.engine.supervisor import HostEngine
from app.engine.thread_engine import ThreadEngine
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import babbler, starter_file

ENGINES: dict[str, Callable[[], HostEngine | ThreadEngine]] = {
    "process": HostEngine,
    "thread": ThreadEngine,
}


@pytest.fixture(scope="session")
def starter() -> Path:
    """The starter model's file."""
    return starter_file()


@pytest.fixture(scope="module", params=list(ENGINES))
def shared(request: pytest.FixtureRequest, starter: Path) -> Iterator[Rig]:
    """An engine of each kind with the starter model, for all tests of a module.

    Started and loaded before the first test, so that its threads and its process are no leak.
    """
    rig = Rig(ENGINES[request.param])
    rig.load_well(starter, context_length=8192)
    yield rig
    rig.close()


@pytest.fixture(params=list(ENGINES))
def fresh(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """An engine of each kind, as new."""
    rig = Rig(ENGINES[request.param])
    yield rig
    rig.close()


@pytest.fixture
def hosted() -> Iterator[Rig]:
    """An engine in a process of its own, as new."""
    rig = Rig(HostEngine)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Rig]:
    """An engine in a process of its own for all tests of a module."""
    rig = Rig(HostEngine)
    rig.run(rig.engine.describe())
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def starter_host(starter: Path) -> Iterator[Rig]:
    """An engine in a process of its own with the starter model, for all tests of a module."""
    rig = Rig(HostEngine)
    rig.load_well(starter, context_length=2048)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def small_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The same with a tiny model of noise, which answers in no time."""
    rig = Rig(HostEngine)
    rig.load_well(babbler(tmp_path_factory.mktemp("small") / "small.gguf"))
    yield rig
    rig.close()
