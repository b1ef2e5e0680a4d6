"""`lamplight chat` over a scripted engine."""

from __future__ import annotations

import asyncio
import io

import pytest

from app.cli.commands import DONE, FAILED, INTERRUPTED, Chat
from app.cli.output import Output
from app.cli.run import run
from app.domain.errors import EngineCrashed, FileMissing
from app.domain.facts import AnswerGrew
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    PartKind,
    PromptProgress,
    RunStats,
    Switches,
    TextDelta,
)
from app.domain.overflow import Overflow
from tests.helpers.scripted_engine import text
from tests.unit.cli.terminal import FakeTerminal, Outcome, at_terminal, services_of
from tests.unit.services.world import World, world

STATS = RunStats(
    prompt_tokens=5, answer_tokens=11, first_token_seconds=0.25, decode_seconds=2.0, seed=7
)
REASONED: list[GenerateEvent] = [
    PromptProgress(0, 9, 0),
    PromptProgress(9, 9, 2),
    TextDelta(PartKind.REASONING, "Hm."),
    TextDelta(PartKind.TEXT, "Yes."),
    Finished(FinishReason.STOP, STATS),
]
CRASH: list[GenerateEvent] = [
    TextDelta(PartKind.TEXT, "half"),
    Failed(EngineCrashed("The engine stopped.", "It died.", "Send again.")),
]


def asking(prompt: str = "Why?", **changes: object) -> Chat:
    """A command with the starter model."""
    return Chat(**{"profile": None, "prompt": prompt, "model": "starter", **changes})


def answered(events: list[GenerateEvent], command: Chat, *, terminal: bool = False) -> Outcome:
    """The outcome with this answer of the engine."""
    return at_terminal(command, lambda made: made.engine.replies.append(events), terminal=terminal)


def test_the_answer_goes_to_the_output_and_nothing_else_does() -> None:
    outcome = answered(text("Be", "cause."), asking())
    assert outcome == Outcome(DONE, "Because.\n", "")


def test_reasoning_goes_to_the_other_output() -> None:
    outcome = answered(REASONED, asking())
    assert outcome.out == "Yes.\n"
    assert outcome.err == "Hm.\n\n"


def test_a_terminal_is_told_how_it_goes() -> None:
    outcome = answered(REASONED, asking(), terminal=True)
    assert "Loading the model" in outcome.err
    assert "\x1b[2mHm.\x1b[0m" in outcome.err
    assert "starter · 11 tokens · 0.25 s to the first · 5.0 tok/s · finished" in outcome.err


def test_a_terminal_is_not_steered_by_the_answer() -> None:
    events = text("a\x1b]0;title\x07b\r\x9bc\td\n")
    assert answered(events, asking(), terminal=True).out == "a]0;titlebc\td\n"
    assert answered(events, asking()).out == "a\x1b]0;title\x07b\r\x9bc\td\n"


def test_json_tells_every_event() -> None:
    outcome = answered(REASONED, asking(json=True))
    assert outcome.events == [
        {"type": "prompt_progress", "done": 0, "total": 9, "cached": 0},
        {"type": "prompt_progress", "done": 9, "total": 9, "cached": 2},
        {"type": "delta", "kind": "reasoning", "text": "Hm."},
        {"type": "delta", "kind": "text", "text": "Yes."},
        {
            "type": "finished",
            "reason": "stop",
            "model": "starter",
            "stats": {
                "prompt_tokens": 5,
                "cached_tokens": 0,
                "answer_tokens": 11,
                "prompt_seconds": 0.0,
                "first_token_seconds": 0.25,
                "decode_seconds": 2.0,
                "seed": 7,
                "left_out": 0,
                "shifted_tokens": 0,
                "drafted_tokens": 0,
                "accepted_tokens": 0,
                "decode_rate": 5.0,
            },
        },
    ]
    assert outcome.err == ""


def test_line_breaks_in_the_answer_stay_within_a_json_line() -> None:
    events = answered(text("a\nb\u2028c"), asking(json=True)).out.split("\n")
    assert len(events) == 3
    assert events[-1] == ""


def test_a_failed_answer_keeps_its_text_and_tells_why() -> None:
    outcome = answered(CRASH, asking())
    assert outcome.status == FAILED
    assert outcome.out == "half\n"
    assert outcome.err == "The engine stopped.\nIt died.\nSend again.\n"


def test_a_failed_answer_in_json_ends_with_the_error() -> None:
    outcome = answered(CRASH, asking(json=True))
    assert outcome.status == FAILED
    assert outcome.events[-1] == {
        "type": "failed",
        "error": {
            "kind": "engine.crashed",
            "title": "The engine stopped.",
            "detail": "It died.",
            "remedy": "Send again.",
        },
    }
    assert outcome.err == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_model_that_is_not_there(as_json: bool) -> None:
    outcome = at_terminal(asking(model="nowhere", json=as_json))
    assert outcome.status == FAILED
    if as_json:
        assert [event["error"]["kind"] for event in outcome.events] == [FileMissing.kind]
    else:
        assert outcome.err.startswith("The model file is gone")


def test_without_the_starter_the_remedy_is_told() -> None:
    async def forget_starter(made: World) -> None:
        made.models._models.clear()

    outcome = at_terminal(asking(), forget_starter)
    assert outcome.status == FAILED
    assert "not installed" in outcome.err
    assert "--model" in outcome.err


def test_without_a_model_the_chosen_one_answers() -> None:
    outcome = answered(text("x"), asking(model=None))
    assert outcome.status == DONE


def test_a_path_is_opened() -> None:
    async def main() -> str:
        async with world() as made:
            made.engine.replies.append(text("x"))
            await run(asking(model="other"), services_of(made), Output(io.StringIO()))
            return made.engine.asked_to_load[-1].path

    assert asyncio.run(main()) == "other"


def test_the_options_reach_the_engine() -> None:
    async def main() -> None:
        async with world() as made:
            made.engine.replies.append(text("x"))
            command = asking(
                system="Be brief.",
                temperature=0.0,
                seed=3,
                max_tokens=9,
                top_k=7,
                stop=("END",),
                json_schema="{}",
            )
            await run(command, services_of(made), Output(io.StringIO()))
            (request,) = made.engine.generated
            assert [turn.text for turn in request.turns] == ["Be brief.", "Why?"]
            assert (request.sampling.temperature, request.sampling.seed) == (0.0, 3)
            assert (request.sampling.top_k, request.sampling.json_schema) == (7, "{}")
            assert (request.max_tokens, request.stop) == (9, ("END",))

    asyncio.run(main())


def test_how_the_model_is_loaded_can_be_told() -> None:
    async def main() -> None:
        async with world() as made:
            made.engine.replies.append(text("x"))
            command = asking(context=1000, gpu_layers=3, threads=2, kv_type="q4_0", draft="other")
            await run(command, services_of(made), Output(io.StringIO()))
            (request,) = made.engine.asked_to_load
            params = request.params
            assert (params.context_length, params.gpu_layers, params.threads) == (1000, 3, 2)
            assert (params.key_type, params.value_type) == ("q4_0", "q4_0")
            assert params.draft_path == "other"

    asyncio.run(main())


def test_options_that_are_not_given_are_left_to_the_settings() -> None:
    async def main() -> None:
        async with world() as made:
            made.engine.replies.append(text("x"))
            await run(asking(), services_of(made), Output(io.StringIO()))
            (request,) = made.engine.generated
            assert request.sampling.temperature == made.settings.current.chat.temperature
            assert request.max_tokens is None

    asyncio.run(main())


# --------------------------------------------------------------------------------- interrupted


async def hold_answer(made: World) -> None:
    """The model is loaded; its answer does not end by itself."""
    await made.models.load()
    made.engine.hold = asyncio.Event()
    made.engine.replies.append(text("be", "gun"))


def hold_load(made: World) -> None:
    """The load does not end by itself."""
    made.engine.hold_load = asyncio.Event()


def has_begun(made: World) -> bool:
    """Whether there is text to see."""
    return any(isinstance(fact, AnswerGrew) and fact.text == "gun" for fact in made.facts)


def is_loading(made: World) -> bool:
    """Whether the engine was asked to load."""
    return bool(made.engine.asked_to_load)


def test_an_interrupt_stops_the_answer_and_keeps_its_text() -> None:
    outcome = at_terminal(asking(), hold_answer, interrupt=has_begun)
    assert outcome == Outcome(INTERRUPTED, "begun\n", "")


def test_an_interrupt_in_json_ends_with_finished() -> None:
    outcome = at_terminal(asking(json=True), hold_answer, interrupt=has_begun)
    assert outcome.status == INTERRUPTED
    assert [event.get("text") for event in outcome.events[:-1]] == ["be", "gun"]
    assert (outcome.events[-1]["type"], outcome.events[-1]["reason"]) == ("finished", "cancelled")


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_while_loading(as_json: bool) -> None:
    outcome = at_terminal(asking(json=as_json), hold_load, interrupt=is_loading)
    assert outcome.status == INTERRUPTED
    assert outcome.err == ""
    assert [event["reason"] for event in outcome.events] == (["cancelled"] if as_json else [])


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_before_anything(as_json: bool) -> None:
    outcome = at_terminal(asking(json=as_json), interrupt=lambda _: True)
    assert outcome.status == INTERRUPTED


def test_an_answer_that_does_not_stop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.chat.STOP_SECONDS", 0.05)

    async def never_stop(made: World) -> None:
        await hold_answer(made)
        made.engine.cancel = lambda request_id: None
        assert made.engine.hold is not None
        asyncio.get_running_loop().call_later(0.5, made.engine.hold.set)

    outcome = at_terminal(asking(json=True), never_stop, interrupt=has_begun)
    assert outcome.status == INTERRUPTED
    assert outcome.events[-1]["reason"] == "cancelled"


# ----------------------------------------------------------------------- context and thinking


def test_what_was_dropped_from_the_context_is_said_even_into_a_pipe() -> None:
    stats = RunStats(answer_tokens=3, shifted_tokens=3072)
    events: list[GenerateEvent] = [
        TextDelta(PartKind.TEXT, "Yes."),
        Finished(FinishReason.STOP, stats),
    ]
    outcome = answered(events, asking())
    assert outcome.out == "Yes.\n"
    assert "3,072 tokens" in outcome.err
    told = answered(events, asking(json=True)).events[-1]
    assert told["stats"]["shifted_tokens"] == 3072


def test_the_policy_and_the_switches_reach_the_engine() -> None:
    asked: list[GenerateRequest] = []

    def prepare(made: World) -> None:
        made.engine.replies.append(text("ok"))
        made.engine.generated = asked

    at_terminal(asking(overflow=Overflow.STOP, thinking=False, effort="low"), prepare)
    at_terminal(asking(), prepare)
    assert asked[0].overflow is Overflow.STOP
    assert asked[0].switches == Switches(False, "low")
    assert (asked[1].overflow, asked[1].switches) == (Overflow.DROP_OLDEST, Switches())


def test_a_switch_that_the_model_does_not_know_is_said() -> None:
    outcome = answered(text("ok"), asking(thinking=False, effort="high"))
    assert "cannot be told whether to think" in outcome.err
    assert "cannot be told to think that much" in outcome.err


# ------------------------------------------------------------------------------- nobody reads


class ClosedPipe(FakeTerminal):
    """An output whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_an_output_that_nobody_reads_ends_the_answer_quietly() -> None:
    err = FakeTerminal(terminal=False)

    async def main() -> int:
        async with world() as made:
            await hold_answer(made)
            output = Output(ClosedPipe(terminal=False), err)
            return await run(asking(), services_of(made), output)

    assert asyncio.run(main()) == FAILED
    assert err.getvalue() == ""
