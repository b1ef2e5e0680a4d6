"""Reads Markdown that is still being written: only the last open block is parsed again.

Parsing the whole text at every flush took 1.8 ms at 9 KB and grows; the open block alone 0.02 ms
(notes/gui.md, 2). Blocks close for good when a later one has begun, because CommonMark's block
structure is decided line by line. An open code fence is not parsed at all, its lines are appended.
A row of a table waits for its end: each change of a table lays out all of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from app.gui.transcript.markdown import (
    Block,
    Code,
    Piece,
    References,
    Table,
    Text,
    mend,
    paragraph,
    read_blocks,
)

_MAYBE_FENCE = re.compile(r" {0,3}(?:`+|~+)[ \t]*")
"""A last line that may become a fence; shown when it is known what it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """From the piece number `start` on the text now consists of these pieces."""

    start: int
    pieces: list[Piece]
    references: References
    refresh: bool = False
    """Links were defined late: what is equal must be laid out again nevertheless."""


@dataclass(slots=True)
class _OpenFence:
    """A top-level fence whose end has not come."""

    piece: Code
    """Of the finished lines."""
    closing: re.Pattern[str]
    indent: int


class MarkdownReader:
    """Give it text as it comes; it tells which pieces are new."""

    def __init__(self) -> None:
        self._source: list[str] = []
        self._tail = ""
        """From the first line of the open block on."""
        self._held = ""
        """A carriage return at the end: the line feed may follow."""
        self._closed = 0
        """Pieces that cannot change any more."""
        self._references: dict[str, Any] = {}
        self._fence: _OpenFence | None = None
        self._shown = ""
        """What of the tail was parsed last, and the blocks it consists of."""
        self._blocks: list[Block] = []
        self._found: dict[str, Any] = {}

    def feed(self, text: str) -> Change:
        """Take more text."""
        self._take(text)
        return self._read(finished=False)

    def finish(self, text: str = "") -> Change:
        """Take the last text."""
        self._take(text)
        if self._held:
            self._held = ""
            self._tail += "\n"
        change = self._read(finished=True)
        source = "".join(self._source)
        if not self._closed and source.strip():
            # Only definitions, or nested too deeply to be read: better its marks than nothing.
            pieces: list[Piece] = [*paragraph(Text(source.strip(), literal=True))]
            return Change(0, pieces, {}, refresh=True)
        if not change.references:
            return change
        # A definition may stand behind the link that uses it.
        references: dict[str, Any] = {}
        blocks = read_blocks(source, references)
        pieces = [piece for block in blocks for piece in block.pieces]
        self._closed = len(pieces)
        return Change(0, pieces, references, refresh=True)

    def _take(self, text: str) -> None:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix(self._held).replace("\r\n", "\n").replace("\r", "\n")
        self._source.append(text)
        self._tail += text

    def _read(self, *, finished: bool) -> Change:
        start = self._closed
        pieces: list[Piece] = []
        while True:
            if self._fence is not None:
                pieces.extend(self._read_fence(finished=finished))
                if self._fence is not None or not self._tail:
                    return Change(start, pieces, self._references)
            done, is_open_fence = self._read_tail(pieces, finished=finished)
            if not is_open_fence:
                return Change(start, pieces, done)

    # ------------------------------------------------------------------------- ordinary blocks

    def _read_tail(self, pieces: list[Piece], *, finished: bool) -> tuple[dict[str, Any], bool]:
        """Parse the tail; the definitions known now, and whether it goes on as an open fence."""
        shown, partial_line = self._shown_tail(finished=finished)
        blocks, references = self._parse(shown)
        closed = len(blocks) if finished else _closed_blocks(blocks, partial_line)
        for block in blocks:
            pieces.extend(block.pieces)
        self._closed += sum(len(block.pieces) for block in blocks[:closed])
        if finished:
            self._tail = ""
            return references, False
        if closed:
            self._drop_lines(blocks[closed].start, references)
        if self._opens_fence(blocks, closed):
            pieces.pop()
            return references, True
        if pieces and isinstance(pieces[-1], Text) and not pieces[-1].literal:
            pieces[-1] = replace(pieces[-1], content=mend(pieces[-1].content))
        return references, False

    def _parse(self, shown: str) -> tuple[list[Block], dict[str, Any]]:
        """The blocks of the shown tail, and the definitions known with it."""
        if shown != self._shown:
            self._found = dict(self._references)
            self._blocks = read_blocks(shown, self._found)
            self._shown = shown
        return self._blocks, {**self._references, **self._found}

    def _shown_tail(self, *, finished: bool) -> tuple[str, int]:
        """What of the tail is parsed, and the number of its last, unfinished line."""
        complete, newline, last = self._tail.rpartition("\n")
        if not finished and (_MAYBE_FENCE.fullmatch(last) or self._is_row(complete, last)):
            last = ""
        shown = complete + newline + last
        return shown, shown.count("\n")

    def _is_row(self, above: str, line: str) -> bool:
        """Whether a line goes on with the table that stands above it."""
        pieces = self._blocks[-1].pieces if self._blocks else ()
        in_table = bool(pieces) and isinstance(pieces[-1], Table) and not above.endswith("\n")
        return in_table and line.lstrip().startswith("|")

    def _drop_lines(self, count: int, references: dict[str, Any]) -> None:
        """The first lines of the tail are closed; what they define stays defined."""
        at = 0
        for _ in range(count):
            at = self._tail.index("\n", at) + 1
        self._tail = self._tail[at:]
        for label, reference in references.items():
            if label not in self._references and reference["map"][1] <= count:
                self._references[label] = {**reference, "map": (0, 0)}

    # ------------------------------------------------------------------------------ open fences

    def _opens_fence(self, blocks: list[Block], closed: int) -> bool:
        """Whether only a fence without an end is left in the tail; then it is taken over."""
        if closed != len(blocks) - 1 or not blocks[-1].fence:
            return False
        opening, newline, rest = self._tail.partition("\n")
        marker = blocks[-1].fence
        closing = re.compile(rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
        # The tail begins at the fence: blank lines before it belong to no block.
        if not newline or not opening.lstrip().startswith(marker):
            return False
        if any(closing.fullmatch(line) for line in rest.split("\n")[:-1]):
            return False
        piece = blocks[-1].pieces[0]
        assert isinstance(piece, Code)
        indent = len(opening) - len(opening.lstrip(" "))
        self._fence = _OpenFence(replace(piece, content=""), closing, indent)
        self._tail = rest
        return True

    def _read_fence(self, *, finished: bool) -> list[Piece]:
        """Take the lines of the open fence; its piece, closed or not."""
        fence = self._fence
        assert fence is not None
        *lines, last = self._tail.split("\n")
        for index, line in enumerate(lines):
            if fence.closing.fullmatch(line):
                self._tail = "\n".join([*lines[index + 1 :], last])
                return self._close_fence(fence, lines[:index])
        if finished:
            self._tail = ""
            ends = fence.closing.fullmatch(last) is not None
            return self._close_fence(fence, lines, "" if ends else last)
        self._tail = last
        fence.piece = _longer(fence, lines)
        if not last or _MAYBE_FENCE.fullmatch(last):
            return [fence.piece]
        return [_longer(fence, [], last)]

    def _close_fence(self, fence: _OpenFence, lines: list[str], last: str = "") -> list[Piece]:
        self._fence = None
        self._closed += 1
        return [_longer(fence, lines, last)]


def _closed_blocks(blocks: list[Block], partial_line: int) -> int:
    """How many blocks cannot change: a later one begins with two finished lines.

    Two, because a table is recognised by its second line and takes the first from the paragraph
    before it.
    """
    for index in range(len(blocks) - 1, 0, -1):
        if blocks[index].start + 1 < partial_line:
            return index
    return 0


def _longer(fence: _OpenFence, lines: list[str], last: str = "") -> Code:
    text = "".join(_dedent(line, fence.indent) + "\n" for line in lines)
    return replace(fence.piece, content=fence.piece.content + text + _dedent(last, fence.indent))


def _dedent(line: str, columns: int) -> str:
    """The line without up to so many columns of leading white space (CommonMark 0.31, 4.5)."""
    column = 0
    for at, character in enumerate(line):
        if column >= columns or character not in " \t":
            return " " * (column - columns) + line[at:]
        column += 1 if character == " " else 4 - column % 4
    return " " * (column - columns)
