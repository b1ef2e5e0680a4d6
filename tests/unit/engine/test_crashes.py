"""Crashes: which request is tried again, a file that changes while it is in use."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import EngineCrashed, FileChanged
from app.domain.generation import GenerateRequest
from app.domain.sampling import Sampling
from app.engine.crashes import AnswerCrashes
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Events, Rig, collect, user
from tests.helpers.gguf_files import babbler, starter_file

CRASH = EngineCrashed("It died")
REQUEST = GenerateRequest("1", "m", user("hi"), Sampling(seed=1))


def test_the_same_request_is_refused_after_the_second_crash() -> None:
    crashes = AnswerCrashes()
    crashes.note(REQUEST, CRASH)
    assert crashes.refusal(REQUEST) is None
    again = replace(REQUEST, request_id="2", sampling=Sampling(seed=2))
    crashes.note(again, CRASH)
    assert crashes.refusal(REQUEST) is not None
    assert crashes.refusal(replace(REQUEST, turns=user("ho"))) is None
    assert crashes.refusal(replace(REQUEST, model_path="other")) is None


def test_a_file_that_changed_is_not_the_requests_fault() -> None:
    crashes = AnswerCrashes()
    for _ in range(3):
        crashes.note(REQUEST, FileChanged("It changed"))
    assert crashes.refusal(REQUEST) is None


def test_only_so_many_are_remembered() -> None:
    crashes = AnswerCrashes()
    for _ in range(2):
        crashes.note(REQUEST, CRASH)
    for number in range(20):
        crashes.note(replace(REQUEST, model_path=str(number)), CRASH)
    assert crashes.refusal(REQUEST) is None


pytest_posix = pytest.mark.skipif(os.name != "posix", reason="processes are ended by signals")


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig(HostEngine)
    yield made
    made.close()


def crash_at_first_event(rig: Rig, text: str) -> Events:
    def heard(_: object) -> None:
        assert isinstance(rig.engine, HostEngine)
        if rig.engine.host_pid is not None:
            os.kill(rig.engine.host_pid, signal.SIGSEGV)

    async def go() -> Events:
        return await collect(rig.generate(text), heard)

    return rig.run(go())


@pytest_posix
@pytest.mark.native_model
def test_a_message_that_kills_the_host_twice_is_not_sent_again(rig: Rig) -> None:
    path = starter_file()
    for _ in range(2):
        rig.load_well(path, context_length=512)
        assert "SIGSEGV" in crash_at_first_event(rig, "Tell a long story.").error.detail
    rig.load_well(path, context_length=512)
    assert isinstance(rig.engine, HostEngine)
    before = rig.engine.host_pid
    assert "twice" in rig.ask("Tell a long story.").error.title
    assert rig.ask("Hello", max_tokens=2).text
    assert rig.engine.host_pid == before


@pytest_posix
@pytest.mark.native_model
def test_a_file_cut_while_it_is_in_use_is_named(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    shutil.copy(starter_file(), path)
    rig.load_well(path, context_length=512)
    os.truncate(path, 4096)
    error = rig.ask("Hello").error
    assert isinstance(error, FileChanged), error.to_dict()
    assert "cut.gguf" in error.title
    # It is refused by its header now, and a sound file works.
    assert not isinstance(rig.load(path).error, EngineCrashed)
    rig.load_well(babbler(tmp_path / "sound.gguf"))
    assert rig.ask("Hello", max_tokens=3)
