"""Bytes to characters, and stop strings."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from app.engine.text import StopStrings, Utf8Stream


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(ends)]


def decoded(pieces: list[bytes]) -> str:
    stream = Utf8Stream()
    return "".join(stream.feed(piece) for piece in pieces)


def test_a_character_comes_when_its_last_byte_does() -> None:
    stream = Utf8Stream()
    assert [stream.feed(bytes([byte])) for byte in "é".encode()] == ["", "é"]


def test_an_unfinished_character_is_never_shown() -> None:
    assert decoded([b"a\xf0\x9f", b"\x98"]) == "a"


def test_an_invalid_byte_becomes_a_replacement_and_the_rest_goes_on() -> None:
    assert decoded([b"a\xff", b"b"]) == "a\ufffdb"


@given(st.text(), st.lists(st.integers(0, 10_000), max_size=8))
def test_valid_text_comes_through_however_it_is_cut(text: str, places: list[int]) -> None:
    data = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
    assert decoded(cut(data, places)) == data.decode()


@given(st.binary(max_size=60), st.lists(st.integers(0, 10_000), max_size=8))
def test_invalid_bytes_give_the_same_however_they_are_cut(data: bytes, places: list[int]) -> None:
    assert decoded(cut(data, places)) == decoded([data])


def shown(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    watch = StopStrings(stops)
    text = "".join(watch.feed(piece) for piece in pieces)
    return text + watch.flush(), watch.reached


def test_text_ends_before_the_stop_string() -> None:
    assert shown(["END"], ["one E", "N", "D two"]) == ("one ", True)


def test_nothing_comes_after_a_stop_string() -> None:
    watch = StopStrings(["x"])
    assert [watch.feed("ax"), watch.feed("b"), watch.flush()] == ["a", "", ""]


def test_what_was_held_back_comes_at_the_end() -> None:
    assert shown(["END"], ["one EN"]) == ("one EN", False)


@example(stops=["b", "aba"], text="ab")
@given(st.lists(st.text("ab", min_size=1, max_size=3), max_size=3), st.text("abc", max_size=30))
def test_a_stop_string_is_never_shown(stops: list[str], text: str) -> None:
    out, reached = shown(stops, list(text))
    assert (out, reached) == shown(stops, [text])
    assert text.startswith(out)
    assert not any(stop in out for stop in stops)
    assert reached == any(stop in text for stop in stops)
