"""Reading in chunks: the same as at once, and what is closed never changes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.gui.transcript.markdown import Code, Piece, Table, Text, read_blocks
from app.gui.transcript.reader import MarkdownReader
from tests.gui.transcript.samples import EVERYTHING

LINES = [
    "text\n", "\n", "# H\n", "#hash\n", "- a\n", "  b\n", "    c\n", "1. x\n", "2) y\n", "> q\n",
    "```py\n", "```\n", "~~~\n", "  ```\n", "`", "``", "| a | b |\n", "|---|---|\n", "| 1 | 2 |\n",
    "---\n", "===\n", "[a]: /url\n", "[a]\n", "  \n", "\r\n", "\r", "**b**", " * c\n", "\t x\n",
    ">> r\n", "- ```\n", "<div>\n", "x", "\\\n", "|", "🙂",
]  # fmt: skip


def at_once(source: str) -> list[Piece]:
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    return [piece for block in read_blocks(source, {}) for piece in block.pieces]


def in_chunks(source: str, sizes: list[int]) -> list[Piece]:
    reader = MarkdownReader()
    shown: list[Piece] = []
    at, turn = 0, 0
    while at < len(source):
        size = sizes[turn % len(sizes)]
        change = reader.feed(source[at : at + size])
        assert change.start <= len(shown)
        shown = shown[: change.start] + change.pieces
        at, turn = at + size, turn + 1
    change = reader.finish()
    return shown[: change.start] + change.pieces


@given(
    lines=st.lists(st.sampled_from(LINES), max_size=14),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
@example(lines=["x\n", "| a | b |\n", "|---|---|", " foo\n"], sizes=[3])
@example(lines=["  ```\n", "\t x\n", "  ```\n", "#", "hash\n"], sizes=[1])
def test_chunks_give_what_the_whole_gives(lines: list[str], sizes: list[int]) -> None:
    source = "".join(lines)
    whole = at_once(source)
    if whole:
        assert in_chunks(source, sizes) == whole


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_everything_in_chunks(size: int) -> None:
    assert in_chunks(EVERYTHING, [size]) == at_once(EVERYTHING)


def test_a_fence_that_has_begun_is_code_at_once_and_never_shows_its_end() -> None:
    reader = MarkdownReader()
    seen: list[Piece] = []
    for character in "```py\na = 1\n```\n":
        seen.extend(reader.feed(character).pieces)
    seen.extend(reader.finish().pieces)
    codes = [piece for piece in seen if isinstance(piece, Code)]
    assert codes[-1] == Code("a = 1\n", "py")
    assert all("`" not in code.content for code in codes)
    assert not any(isinstance(piece, Text) for piece in seen)


def test_a_row_of_a_table_is_shown_when_it_is_complete() -> None:
    reader = MarkdownReader()
    reader.feed("| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert reader.feed("| 3 |").pieces == [Table(("a", "b"), (("1", "2"),), ("left", "left"))]
    (table,) = reader.feed(" 4 |\n").pieces
    assert isinstance(table, Table)
    assert table.rows == (("1", "2"), ("3", "4"))
    assert reader.feed("\n| not a row").pieces[-1] == Text("| not a row")


def test_a_last_row_without_its_end_is_shown_at_the_end() -> None:
    reader = MarkdownReader()
    reader.feed("| a |\n|---|\n| 1")
    (table,) = reader.finish().pieces
    assert isinstance(table, Table)
    assert table.rows == (("1",),)


def test_a_definition_after_its_use_makes_everything_new() -> None:
    reader = MarkdownReader()
    reader.feed("see [a]\n\ntext\n\n[a]: https://example.com\n")
    change = reader.finish()
    assert change.refresh
    assert change.start == 0
    assert change.references["A"]["href"] == "https://example.com"


def test_a_text_of_definitions_only_is_shown_as_it_is() -> None:
    reader = MarkdownReader()
    change = reader.finish("[a]: https://example.com")
    assert change.pieces == [Text("[a]: https://example.com", literal=True)]


def test_only_what_is_open_is_given_again() -> None:
    reader = MarkdownReader()
    reader.feed("one\n\ntwo\n\nthree\n\nfour\nand\n")
    change = reader.feed("more\n")
    assert change.start == 3
    assert change.pieces == [Text("four\nand\nmore")]
