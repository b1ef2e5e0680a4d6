"""Finding strings in text that comes in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.markers import Marker, MarkerScanner

LETTERS = "ab<"


def scan(markers: list[str], pieces: list[str]) -> list[str | Marker]:
    scanner = MarkerScanner(markers)
    found: list[str | Marker] = []
    for piece in pieces:
        found.extend(scanner.feed(piece))
    if rest := scanner.flush():
        found.append(rest)
    return joined(found)


def joined(pieces: list[str | Marker]) -> list[str | Marker]:
    """Neighbouring plain pieces as one: how plain text is cut does not matter."""
    out: list[str | Marker] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        else:
            out.append(piece)
    return out


def test_a_marker_is_found_between_texts() -> None:
    assert scan(["<x>"], ["before<x>after"]) == ["before", Marker("<x>"), "after"]


def test_a_marker_is_found_across_pieces() -> None:
    assert scan(["<x>"], ["a<", "x", ">b"]) == ["a", Marker("<x>"), "b"]


def test_the_beginning_of_a_marker_is_held_back() -> None:
    scanner = MarkerScanner(["<x>"])
    assert list(scanner.feed("a<x")) == ["a"]
    assert scanner.flush() == "<x"


def test_what_only_looked_like_a_marker_is_given_back() -> None:
    assert scan(["<x>"], ["a<", "y>"]) == ["a<y>"]


def test_a_marker_can_begin_within_a_failed_one() -> None:
    assert scan(["aab"], ["aa", "ab"]) == ["a", Marker("aab")]


def test_the_shorter_of_two_that_begin_together_counts() -> None:
    assert scan(["ab", "abc"], ["abc"]) == [Marker("ab"), "c"]


def test_no_markers_hold_nothing_back() -> None:
    assert list(MarkerScanner([]).feed("text")) == ["text"]


def test_an_empty_marker_is_none() -> None:
    assert scan([""], ["text"]) == ["text"]


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=3),
    st.lists(st.text(LETTERS, max_size=5), max_size=8),
)
def test_how_the_text_is_cut_makes_no_difference(markers: list[str], pieces: list[str]) -> None:
    whole = scan(markers, ["".join(pieces)])
    assert scan(markers, pieces) == whole
    assert scan(markers, list("".join(pieces))) == whole


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=3),
    st.text(LETTERS, max_size=30),
)
def test_nothing_is_lost_and_plain_text_holds_no_marker(markers: list[str], text: str) -> None:
    scanner = MarkerScanner(markers)
    found = joined([piece for letter in text for piece in scanner.feed(letter)])
    rest = scanner.flush()
    assert "".join(p.text if isinstance(p, Marker) else p for p in found) + rest == text
    plain = [piece for piece in found if isinstance(piece, str)]
    assert not any(marker in piece for marker in markers for piece in plain)
    assert not rest or any(marker.startswith(rest) for marker in markers)
