"""Which rows the library shows, in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.library import Capability, LibraryEntry, Origin, Refusal, RefusedFile
from app.gui.library.arrange import Heading, Row, Shelf, SortBy, Wish
from tests.helpers.gui_library import CHAT, library_entry, refused_file

SMALL = library_entry("small", gigabytes=1, parameters=1_000_000_000, last_used=30, changed=1)
MIDDLE = library_entry(
    "Middle",
    origin=Origin.OLLAMA,
    gigabytes=5,
    parameters=8_000_000_000,
    last_used=20,
    changed=3,
    source="llama3.2:3b",
    capabilities=CHAT | {Capability.VISION},
)
LARGE = library_entry(
    "large", gigabytes=20, parameters=7_000_000_000, last_used=10, changed=2, architecture="gemma3"
)
ALL = (LARGE, MIDDLE, SMALL)


def names(rows: list[Row]) -> list[str]:
    """What stands there from top to bottom."""
    return [
        f"[{row.title} {row.count}]"
        if isinstance(row, Heading)
        else row.name
        if isinstance(row, LibraryEntry)
        else row.path.rpartition("/")[2]
        for row in rows
    ]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (SortBy.NAME, ["large", "Middle", "small"]),
        (SortBy.LAST_USED, ["small", "Middle", "large"]),
        (SortBy.NEWEST, ["Middle", "large", "small"]),
        (SortBy.LARGEST, ["large", "Middle", "small"]),
        (SortBy.SMALLEST, ["small", "Middle", "large"]),
        (SortBy.PARAMETERS, ["Middle", "large", "small"]),
    ],
)
def test_every_order(sort: SortBy, expected: list[str]) -> None:
    assert names(Shelf(ALL).rows(Wish(sort=sort))) == expected


def test_favourites_stand_first_in_every_order() -> None:
    shelf = Shelf((LARGE, MIDDLE, replace(SMALL, is_favourite=True)))
    for sort in SortBy:
        assert names(shelf.rows(Wish(sort=sort)))[0] == "small"


def test_groups_say_whose_they_are_and_how_large() -> None:
    rows = Shelf(ALL).rows(Wish(grouped=True))
    assert names(rows) == ["[Lamplight 2]", "large", "small", "[Ollama 1]", "Middle"]
    assert rows[0] == Heading("Lamplight", 2, 21_000_000_000)


def test_what_cannot_be_used_stands_apart_at_the_end() -> None:
    refused: list[RefusedFile] = [
        refused_file("z.gguf", Refusal.DAMAGED),
        refused_file("a.gguf", Refusal.INCOMPLETE),
    ]
    rows = Shelf((SMALL,), refused).rows(Wish())
    assert names(rows) == ["small", "[Cannot be used 2]", "a.gguf", "z.gguf"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("MID", ["Middle"]),
        ("gemma3", ["large"]),
        ("vision", ["Middle"]),
        ("llama3.2", ["Middle"]),
        ("lamplight small", ["small"]),
        ("q4_k_m ollama", ["Middle"]),
        ("incomplete", ["[Cannot be used 1]", "part.gguf"]),
        ("nowhere", []),
    ],
)
def test_a_search_wants_every_word(words: str, expected: list[str]) -> None:
    shelf = Shelf(ALL, [refused_file("part.gguf", Refusal.INCOMPLETE)])
    assert names(shelf.rows(Wish(words))) == expected
