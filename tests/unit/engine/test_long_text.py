"""Text of any length and content: cut where it changes nothing, and never the end of the host."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import EngineError, PromptTooLong
from app.domain.generation import Finished
from app.domain.sampling import Sampling
from app.engine.long_text import LONGEST_PIECE, pieces
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import byte_pair_babbler, sentence_babbler
from tests.helpers.stepping import load_model

MANY = 1_000_000


@given(st.text(max_size=200), st.integers(1, 40))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str, times: int) -> None:
    cut = list(pieces(text * times))
    assert "".join(cut) == text * times
    assert max(map(len, cut), default=0) <= LONGEST_PIECE


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox, it jumps.\n\nOver lazy dogs: 12,345 of them!\n" * 100,
        "    if text:\n        return {}\n" * 200,
        "天地玄黄、宇宙洪荒。日月盈昃、辰宿列张。" * 200,
        "https://example.org/a/b-c/d_e?f=g&" * 100,
    ],
)
def test_it_is_cut_after_a_letter_only_and_before_something_else(text: str) -> None:
    cut = list(pieces(text))
    assert len(cut) > 2
    for before, after in itertools.pairwise(cut):
        assert re.search(r"[^\W_]$", before), "many vocabularies join a mark and a line's end"
        assert re.match(r"[^\w]", after)


def test_a_control_token_is_not_cut_in_two() -> None:
    cut = list(pieces("x" * (LONGEST_PIECE - 5) + "<|im_start|>" + "x" * LONGEST_PIECE))
    assert cut[1].startswith("<|im_start|>")


@pytest.fixture(scope="module")
def hosts() -> Iterator[Rig]:
    rig = Rig(HostEngine)
    rig.run(rig.engine.describe())
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vocabularies")


@pytest.mark.native_model
@pytest.mark.parametrize("splitter", ["deepseek-llm", "deepseek-coder", "falcon"])
def test_long_runs_are_too_long_and_not_the_end(hosts: Rig, folder: Path, splitter: str) -> None:
    """Each of these ends the process where it is tokenised at once (measured)."""
    hosts.load_well(byte_pair_babbler(folder / f"{splitter}.gguf", splitter))
    assert isinstance(hosts.engine, HostEngine)
    before = hosts.engine.host_pid
    for run in ("a", "中", "!?", " ", "7", "\n", "é\u0301"):
        error = hosts.ask(run * (MANY // len(run))).error
        assert isinstance(error, PromptTooLong), f"{run!r}: {error.title}"
        assert "more than" in error.detail
    assert hosts.engine.host_pid == before


@pytest.mark.native_model
@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_long_runs_do_not_stall_other_vocabularies(hosts: Rig, folder: Path, kind: str) -> None:
    """200,000 emoji, spelled out byte by byte, would take a quarter of a minute at once."""
    hosts.load_well(sentence_babbler(folder / f"sentence-{kind}.gguf", kind))
    assert isinstance(hosts.engine, HostEngine)
    before = hosts.engine.host_pid
    for run in ("🦊", "a", "b", " ", "\n", "fox "):
        began = time.monotonic()
        last = hosts.ask(run * (200_000 // len(run)), max_tokens=1).last
        # One that knows no bytes reads a run of what it does not know as one token.
        assert isinstance(last, Finished) or isinstance(last.error, PromptTooLong)
        assert time.monotonic() - began < 6, repr(run)
    assert hosts.engine.host_pid == before


@pytest.mark.native_model
def test_where_a_sentence_is_cut_leaves_no_trace(folder: Path) -> None:
    loaded = load_model(sentence_babbler(folder / "cut.gguf"), 64)
    vocabulary = loaded.weights.vocabulary
    for text in ("a fox and a fox,  " * 4000, "fox\na\n" * 8000, "天地玄黄" * 9000):
        assert vocabulary.tokens_of(text) == vocabulary.tokenise(text.encode())
    loaded.close()


@pytest.mark.native_model
def test_a_long_run_as_a_biased_word_is_not_the_end(hosts: Rig, folder: Path) -> None:
    path = byte_pair_babbler(folder / "bias.gguf", "deepseek-llm")
    hosts.load_well(path)
    sampling = Sampling(logit_bias=(("a" * MANY, 1.0),))
    answer = hosts.ask("hi", sampling=sampling, max_tokens=2)
    assert not isinstance(getattr(answer.last, "error", None), EngineError)


@pytest.mark.native_model
def test_ten_megabytes_are_refused_soon(hosts: Rig, folder: Path) -> None:
    """Not tokenised to the end, which would take minutes; the host lives, others go on."""
    hosts.load_well(byte_pair_babbler(folder / "soon.gguf", "deepseek-llm"))

    async def beside() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert isinstance((await hosts.ask_coroutine("a" * 10_000_000)).error, PromptTooLong)
        return loop.time() - began

    assert hosts.run(beside()) < 10
