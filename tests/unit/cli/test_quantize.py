"""`lamplight quantize`, over a scripted quantiser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.cli.arguments import parse
from app.cli.commands import DONE, FAILED, INTERRUPTED, Quantize
from app.domain.quantise import QuantiseRequest, QuantiseWork
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World, local_model

REQUEST = QuantiseRequest("other", "/models/small.gguf", "Q4_K_M")


def ready(world: World) -> None:
    def made(work: QuantiseWork) -> None:
        world.shelf.files[work.result] = local_model(work.result)

    world.quantiser.made = made


def test_the_result_is_named_and_its_size_told_to_a_person():
    said = at_terminal(Quantize(None, REQUEST), ready, terminal=True)
    assert said.status == DONE
    assert said.out == "/models/small.gguf\n"
    assert "Making other smaller … 25%" in said.err
    assert "369 B, 63% smaller than before." in said.err


def test_events_for_a_program():
    said = at_terminal(Quantize(None, REQUEST, json=True), ready)
    assert [event["type"] for event in said.events] == [*["progress"] * 4, "finished"]
    assert said.events[-1] == {
        "type": "finished", "path": "/models/small.gguf", "bytes": 369, "source_bytes": 1000,
    }  # fmt: skip


def test_a_refusal_is_an_event_too():
    def prepare(world: World) -> None:
        world.quantiser.is_quantised = True

    said = at_terminal(Quantize(None, REQUEST, json=True), prepare)
    assert said.status == FAILED
    assert said.events[-1]["error"]["kind"] == "quantise.already_quantised"


def test_an_interrupt_stops_it():
    def prepare(world: World) -> None:
        world.quantiser.hold = asyncio.Event()

    pressed = lambda world: bool(world.quantiser.asked)  # noqa: E731
    said = at_terminal(Quantize(None, REQUEST), prepare, terminal=True, interrupt=pressed)
    assert said.status == INTERRUPTED
    assert "nothing of it was kept" in said.err


def test_the_words(tmp_path: Path):
    source = str(tmp_path / "Tiny-F16.gguf")
    found = parse(["quantize", source, str(tmp_path), "q8_0", "--threads", "3", "--requantize"])
    result = str(tmp_path / "Tiny-Q8_0.gguf")
    assert found == Quantize(None, QuantiseRequest(source, result, "Q8_0", 3, again=True))
    named = parse(["quantize", source, f"{tmp_path}/x.gguf", "Q2_K", "--replace", "--json"])
    request = QuantiseRequest(source, f"{tmp_path}/x.gguf", "Q2_K", replace=True)
    assert named == Quantize(None, request, json=True)


@pytest.mark.parametrize("words", [["a.gguf", "b.gguf", "Q9"], ["a", "b", "Q8_0", "--threads=0"]])
def test_what_makes_no_sense_is_wrong_usage(words: list[str]):
    with pytest.raises(SystemExit) as ended:
        parse(["quantize", *words])
    assert ended.value.code == 2
