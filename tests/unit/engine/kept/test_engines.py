"""Kept conversations through whole engines, in a process and in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.engine.kept.folder import Keeping
from app.engine.supervisor import HostEngine
from app.engine.thread_engine import ThreadEngine
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import starter_file

pytestmark = pytest.mark.native_model

QUESTION = "Tell me of the lamp, the house, the stone and the river. " * 25
"""Some 400 tokens: a real model reads them in a second, a disk in some milliseconds."""

MakeRig = Callable[[], Rig]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "states"


@pytest.fixture(params=["process", "thread"])
def make(request: pytest.FixtureRequest, folder: Path) -> Iterator[MakeRig]:
    """Makes engines with the starter model, all with the same folder."""
    made: list[Rig] = []

    def keeping() -> Keeping:
        return Keeping(str(folder), 10**9)

    def make_one() -> Rig:
        if request.param == "process":
            rig = Rig(lambda: HostEngine(keeping=keeping))
        else:
            rig = Rig(lambda: ThreadEngine(keeping))
        made.append(rig)
        rig.load_well(starter_file(), context_length=2048)
        return rig

    yield make_one
    for rig in made:
        rig.close()


def cached(rig: Rig, tag: str) -> int:
    return rig.ask(QUESTION, max_tokens=2, cache_tag=tag).last.stats.cached_tokens


def test_a_conversation_comes_back_after_another_load_and_is_forgotten(
    make: MakeRig, folder: Path
) -> None:
    rig = make()
    assert cached(rig, "a") == 0
    rig.load_well(starter_file(), context_length=2048)
    assert cached(rig, "a") > 300
    assert rig.run(rig.engine.kept_bytes()) > 300 * 23_000
    rig.run(rig.engine.forget("a"))
    assert cached(rig, "a") < 50
    rig.run(rig.engine.forget(None))
    rig.run(rig.engine.describe())
    assert list(folder.iterdir()) == []


def test_a_conversation_comes_back_after_the_engine_has_ended(make: MakeRig) -> None:
    rig = make()
    cached(rig, "a")
    rig.run(rig.engine.close())
    assert cached(make(), "a") > 300
