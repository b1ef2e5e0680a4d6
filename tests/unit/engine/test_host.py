"""The engine host and its supervisor: whatever happens to the child, the application lives."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain import errors
from app.domain.errors import AppError
from app.domain.generation import (
    FinishReason,
    LoadCancelled,
    LoadProgress,
    LoadRequest,
    PromptProgress,
    TextDelta,
)
from app.engine import supervisor
from app.engine.host_process import HostEnd
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Events, Rig, collect, new_id
from tests.helpers.gguf_files import starter_shell

pytestmark = [
    pytest.mark.native_model,
    pytest.mark.skipif(os.name != "posix", reason="processes are ended by signals"),
]

STORY = "Write a long story about a fox and a lighthouse."
LONG_TEXT = "The quick brown fox jumps over the lazy dog near the river bank. " * 280


def host_of(rig: Rig) -> int:
    assert isinstance(rig.engine, HostEngine)
    assert rig.engine.host_pid is not None
    return rig.engine.host_pid


def signal_once(rig: Rig, number: int, kind: type[Any]) -> Callable[[Any], None]:
    """Send the host a signal at the first event of a kind."""
    sent: list[int] = []

    def heard(event: Any) -> None:
        if isinstance(event, kind) and not sent:
            sent.append(host_of(rig))
            os.kill(sent[0], number)

    return heard


def answer_hit_by(rig: Rig, number: int, turns: str, kind: type[Any]) -> Events:
    async def go() -> Events:
        return await collect(rig.generate(turns), signal_once(rig, number, kind))

    return rig.run(go())


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --------------------------------------------------------------------------------------- death


@pytest.mark.parametrize(("turns", "kind"), [(STORY, TextDelta), (LONG_TEXT, PromptProgress)])
def test_a_killed_host_fails_the_answer_and_the_next_one_works(
    hosted: Rig, starter: Path, turns: str, kind: type[Any]
) -> None:
    hosted.load_well(starter)
    events = answer_hit_by(hosted, signal.SIGKILL, turns, kind)
    assert isinstance(events.error, errors.EngineCrashed)
    assert "kept" in events.error.title
    assert "SIGKILL" in events.error.detail
    assert "memory" in events.error.detail
    assert bool(events.text) == (kind is TextDelta)
    assert hosted.engine.loaded is None
    hosted.load_well(starter)
    assert hosted.ask("Hello", max_tokens=3).text


def test_a_host_killed_while_loading(hosted: Rig, starter: Path) -> None:
    async def go() -> Events:
        stream = hosted.engine.load(LoadRequest(new_id(), str(starter)))
        return await collect(stream, signal_once(hosted, signal.SIGKILL, LoadProgress))

    events = hosted.run(go())
    assert isinstance(events.error, errors.EngineCrashed)
    assert starter.name in events.error.title
    hosted.load_well(starter)


def test_a_host_that_dies_idle_is_told(hosted: Rig, starter: Path) -> None:
    hosted.load_well(starter, context_length=512)

    async def go() -> AppError:
        told: asyncio.Future[AppError] = asyncio.get_running_loop().create_future()
        hosted.engine.on_lost(told.set_result)
        os.kill(host_of(hosted), signal.SIGSEGV)
        return await told

    error = hosted.run(go())
    assert isinstance(error, errors.EngineCrashed)
    assert "SIGSEGV" in error.detail
    assert hosted.engine.loaded is None


def test_requests_that_wait_fail_with_the_one_that_runs(hosted: Rig, starter: Path) -> None:
    hosted.load_well(starter, context_length=1024)

    async def go() -> tuple[Events, Events]:
        heard = signal_once(hosted, signal.SIGKILL, TextDelta)
        return await asyncio.gather(
            collect(hosted.generate(STORY), heard), collect(hosted.generate(STORY))
        )

    kinds = [type(events.error) for events in hosted.run(go())]
    assert kinds == [errors.EngineCrashed] * 2


@pytest.mark.parametrize("blocks", [0, 100_000])
def test_a_file_that_makes_llama_cpp_abort(hosted: Rig, tmp_path: Path, blocks: int) -> None:
    path = starter_shell(tmp_path / "abort.gguf", {"llama.block_count": blocks})
    error = hosted.load(path).error
    assert isinstance(error, errors.EngineCrashed | errors.ModelFileError | errors.EngineError)
    assert error.remedy
    assert hosted.engine.loaded is None


def test_the_last_native_lines_are_in_the_report(hosted: Rig, starter: Path) -> None:
    hosted.load_well(starter, context_length=512)
    events = answer_hit_by(hosted, signal.SIGABRT, STORY, TextDelta)
    assert "buffer size" in events.error.detail


# ---------------------------------------------------------------------------------------- hang


def test_a_host_that_hangs_is_ended_by_a_cancel(
    hosted: Rig, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "CANCEL_SECONDS", 0.3)
    hosted.load_well(starter, context_length=1024)
    pid = host_of(hosted)

    async def go() -> Events:
        request_id = new_id()
        stop = signal_once(hosted, signal.SIGSTOP, TextDelta)

        def heard(event: Any) -> None:
            stop(event)
            if isinstance(event, TextDelta):
                hosted.engine.cancel(request_id)

        return await collect(hosted.generate(STORY, request_id), heard)

    events = hosted.run(go())
    assert events.reason is FinishReason.CANCELLED
    assert events.text
    assert is_gone(pid)
    hosted.load_well(starter, context_length=512)


def test_a_host_that_goes_on_with_other_answers_is_waited_for(
    hosted: Rig, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host never hears of the cancel here, as if it were in a long step; it is ended at last,
    but not while it might still come to it."""
    monkeypatch.setattr(supervisor, "CANCEL_SECONDS", 0.3)
    monkeypatch.setattr(supervisor, "CANCEL_PATIENCE", 3)
    hosted.load_well(starter, context_length=1024)
    engine = hosted.engine
    assert isinstance(engine, supervisor.HostEngine)

    async def both() -> tuple[Events, float]:
        request_id = new_id()
        cancelled: list[float] = []

        def heard(event: Any) -> None:
            if isinstance(event, TextDelta) and not cancelled:
                cancelled.append(time.perf_counter())
                monkeypatch.setattr(engine._host, "send", lambda _frame: None)
                engine.cancel(request_id)

        events = await collect(hosted.generate(STORY, request_id, max_tokens=400), heard)
        return events, time.perf_counter() - cancelled[0]

    events, waited = hosted.run(both())
    assert events.reason is FinishReason.CANCELLED
    assert waited > 0.75


def test_a_host_that_hangs_does_not_hold_up_close(hosted: Rig, starter: Path) -> None:
    hosted.load_well(starter, context_length=512)
    pid = host_of(hosted)
    os.kill(pid, signal.SIGSTOP)
    began = time.perf_counter()
    hosted.run(hosted.engine.close())
    assert time.perf_counter() - began < supervisor.CLOSE_SECONDS + 1
    assert is_gone(pid)


# --------------------------------------------------------------------------------- life and end


def test_a_host_that_cannot_be_started_is_an_error(starter: Path) -> None:
    rig = Rig(lambda: HostEngine(command=["/no/such/program"]))
    error = rig.load(starter).error
    rig.close()
    assert isinstance(error, errors.EngineCrashed)
    assert "could not be started" in error.title


@pytest.mark.parametrize(
    "program",
    [
        "print('hello')",
        'print(\'{"is": "hello", "version": 99}\', flush=True); input()',
        'print(\'{"is": "nonsense"}\', flush=True); input(); input()',
        "import os; os.close(1); import time; time.sleep(60)",
    ],
    ids=["no protocol", "another version", "unknown event", "closed output"],
)
def test_another_program_is_no_host(starter: Path, program: str) -> None:
    rig = Rig(lambda: HostEngine(command=[sys.executable, "-c", program]))
    error = rig.load(starter).error
    rig.close()
    assert isinstance(error, errors.EngineCrashed)


def test_close_before_the_first_use_is_fine() -> None:
    Rig(HostEngine).close()


def test_close_while_the_host_starts(starter: Path) -> None:
    rig = Rig(HostEngine)

    async def go() -> Events:
        loading = asyncio.ensure_future(rig.load_coroutine(starter))
        await asyncio.sleep(0)
        await rig.engine.close()
        return await loading

    assert isinstance(rig.run(go()).last, LoadCancelled)
    rig.close()


def test_the_host_gives_way_to_the_window(hosted: Rig) -> None:
    hosted.run(hosted.engine.describe())
    assert psutil.Process(host_of(hosted)).nice() >= psutil.Process().nice() + 5


def test_the_host_starts_from_any_folder(
    hosted: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text("raise SystemExit('the wrong app')")
    monkeypatch.chdir(tmp_path)
    assert hosted.run(hosted.engine.describe())


PARENT = """
import asyncio, sys, time
from app.engine.supervisor import HostEngine
from app.domain.generation import GenerateRequest, LoadRequest, PromptProgress, Role, Turn

async def main():
    engine = HostEngine()
    async for _ in engine.load(LoadRequest("1", sys.argv[1])):
        pass
    turns = (Turn(Role.USER, sys.argv[2]),)
    async for batch in engine.generate(GenerateRequest("2", sys.argv[1], turns)):
        print(engine.host_pid, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("text", [STORY, LONG_TEXT], ids=["decode", "prompt"])
def test_a_killed_application_leaves_no_host(starter: Path, text: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(starter), text], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
    deadline = time.monotonic() + 2
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_gone(pid)


NOT_IMPORTED = """
import asyncio, sys
from app.engine.supervisor import HostEngine

async def main():
    engine = HostEngine()
    await engine.describe()
    await engine.close()

asyncio.run(main())
heavy = {"llama_cpp", "numpy", "jinja2", "app.engine.worker"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_application_never_imports_what_the_host_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOT_IMPORTED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_how_a_host_ended_in_words() -> None:
    assert HostEnd(3, ()).what == "It ended with status 3."
    assert "SIGABRT" in HostEnd(-signal.SIGABRT, ()).what
    assert "shorter" in HostEnd(-signal.SIGBUS, ()).what
    assert "signal 99" in HostEnd(-99, ()).what
