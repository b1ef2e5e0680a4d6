"""Markdown to a flat list of pieces: paragraphs, code, tables and rules, each with its place.

A piece is what is laid out as one thing. Nesting (lists, quotes) becomes a number on the piece
instead of a tree, so that code inside a list item can be a real code block, and a streaming answer
can be compared piece by piece with what is shown. Raw HTML is text. Nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from app.gui.transcript import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

BULLET = "•"
OPEN_TASK, DONE_TASK = "[ ]", "[x]"
DEEPEST = 60
"""Levels of nesting that are read (a list takes two); what lies deeper is not shown."""
LONGEST_INLINE = 10_000
"""Characters of a paragraph within which emphasis and links are looked for."""
LITERAL_CHUNK = 4_000
"""Longer paragraphs are laid out in chunks of so many characters, without emphasis."""

References: TypeAlias = Mapping[str, Any]
"""Link reference definitions as markdown-it keeps them in its environment."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece stands."""

    indent: int = 0
    """How many lists are around it."""
    quotes: tuple[int, ...] = ()
    """For each quote around it, outermost first: how many lists are around that quote."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, a heading, or the first paragraph of a list item."""

    content: str
    """Markdown of one line of thought: emphasis, links, inline code."""
    place: Place = Place()
    heading: int = 0
    """1 to 6; 0 for a paragraph."""
    marker: str = ""
    """If a list item begins here: `BULLET`, a task's box, or a number with a full stop."""
    tight: bool = False
    """It belongs to a list without blank lines."""
    literal: bool = False
    """Shown as it is written."""
    joined: bool = False
    """It goes on where the piece before it ended."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A thematic break."""

    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced or indented code block; `content` ends with a line end unless it is still open."""

    content: str
    language: str = ""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the cells hold inline Markdown."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    aligns: tuple[str, ...]
    """For each column `left`, `center` or `right`."""
    place: Place = Place()


Piece: TypeAlias = Text | Rule | Code | Table


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block: its lines (0-based, `end` is behind the last one) and its pieces."""

    start: int
    end: int
    pieces: tuple[Piece, ...]
    fence: str = ""
    """The marker characters, if the whole block is a fence."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look inside a paragraph."""

    text: str
    bold: bool = False
    italic: bool = False
    struck: bool = False
    code: bool = False
    link: str = ""


@cache
def _parser() -> MarkdownIt:
    # 50 to 80 ms to import: not before the first paint; see `readiness`.
    from markdown_it import MarkdownIt

    options = {"html": False, "maxNesting": DEEPEST}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"])


# -------------------------------------------------------------------------------------- blocks


def read_blocks(source: str, references: dict[str, Any]) -> list[Block]:
    """Read the block structure; definitions found in the source are added to `references`.

    Emphasis and links are left for `inline_runs`, which is asked only for what is laid out.
    """
    from markdown_it.rules_core import StateCore, block, normalize

    state = StateCore(source, _parser(), {"references": references})
    try:
        normalize(state)
        block(state)
    except RecursionError:
        lines = source.count("\n") + 1
        return [Block(0, lines, tuple(paragraph(Text(source, literal=True))))]
    return _top_level(state.tokens)


def _top_level(tokens: list[Token]) -> list[Block]:
    blocks: list[Block] = []
    first = 0
    for index, token in enumerate(tokens):
        # A block of one token, or the end of one that opened at this level.
        if token.level == 0 and token.nesting <= 0:
            opening = tokens[first]
            start, end = opening.map or (0, 0)
            pieces = tuple(_Flattener().pieces(tokens[first : index + 1]))
            blocks.append(Block(start, end, pieces, token.markup if token.type == "fence" else ""))
            first = index + 1
    return blocks


@dataclass(slots=True)
class _List:
    number: int | None
    """Of the next item; None in a bullet list."""


class _Flattener:
    """Walks markdown-it's flat token list once and keeps what is around the current token."""

    def __init__(self) -> None:
        self._lists: list[_List] = []
        self._quotes: list[int] = []
        self._marker = ""
        self._out: list[Piece] = []
        self._paragraph = Text("")
        self._in_table = False
        self._cells: list[str] = []
        self._rows: list[tuple[str, ...]] = []
        self._aligns: list[str] = []

    def pieces(self, tokens: Iterable[Token]) -> list[Piece]:
        for token in tokens:
            handle = getattr(self, f"_on_{token.type}", None)
            if handle is not None:
                handle(token)
        return self._out

    @property
    def _place(self) -> Place:
        return Place(len(self._lists), tuple(self._quotes))

    def _flush_marker(self) -> None:
        """A list item that begins with something else than a paragraph keeps its marker."""
        if self._marker:
            self._out.append(Text("", self._place, marker=self._marker, tight=True))
            self._marker = ""

    def _on_paragraph_open(self, token: Token) -> None:
        self._paragraph = Text(
            "", self._place, marker=self._marker, tight=bool(self._lists) and token.hidden
        )
        self._marker = ""

    def _on_heading_open(self, token: Token) -> None:
        self._paragraph = Text("", self._place, heading=int(token.tag[1]), marker=self._marker)
        self._marker = ""

    def _on_inline(self, token: Token) -> None:
        if self._in_table:
            self._cells.append(token.content)
            return
        piece = replace(self._paragraph, content=token.content)
        box = token.content[:3].lower()
        if piece.marker == BULLET and box in (OPEN_TASK, DONE_TASK) and token.content[3:4] == " ":
            piece = replace(piece, content=token.content[4:], marker=box)
        self._out.extend(paragraph(piece))

    def _on_bullet_list_open(self, token: Token) -> None:
        self._flush_marker()
        self._lists.append(_List(None))

    def _on_ordered_list_open(self, token: Token) -> None:
        self._flush_marker()
        self._lists.append(_List(int(token.attrGet("start") or 0) if token.attrs else 1))

    def _on_list_item_open(self, token: Token) -> None:
        number = self._lists[-1].number
        if number is None:
            self._marker = BULLET
        else:
            self._marker = f"{number}."
            self._lists[-1].number = number + 1

    def _on_list_item_close(self, token: Token) -> None:
        self._flush_marker()

    def _on_bullet_list_close(self, token: Token) -> None:
        self._lists.pop()

    _on_ordered_list_close = _on_bullet_list_close

    def _on_blockquote_open(self, token: Token) -> None:
        self._flush_marker()
        self._quotes.append(len(self._lists))

    def _on_blockquote_close(self, token: Token) -> None:
        self._quotes.pop()

    def _on_hr(self, token: Token) -> None:
        self._flush_marker()
        self._out.append(Rule(self._place))

    def _on_fence(self, token: Token) -> None:
        self._flush_marker()
        words = token.info.split()
        self._out.append(Code(token.content, words[0] if words else "", self._place))

    def _on_code_block(self, token: Token) -> None:
        self._flush_marker()
        self._out.append(Code(token.content, "", self._place))

    def _on_table_open(self, token: Token) -> None:
        self._flush_marker()
        self._in_table = True
        self._rows, self._aligns = [], []

    def _on_tr_open(self, token: Token) -> None:
        self._cells = []

    def _on_th_open(self, token: Token) -> None:
        style = str(token.attrGet("style") or "")
        self._aligns.append(style.partition(":")[2] or "left")

    def _on_tr_close(self, token: Token) -> None:
        self._rows.append(tuple(self._cells))

    def _on_table_close(self, token: Token) -> None:
        self._in_table = False
        head, *rows = self._rows
        self._out.append(Table(head, tuple(rows), tuple(self._aligns), self._place))


def paragraph(piece: Text) -> list[Text]:
    """The paragraph, or the chunks of one that is too long to be one piece."""
    if len(piece.content) <= LONGEST_INLINE:
        return [piece]
    content, size = piece.content, LITERAL_CHUNK
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    first = replace(piece, content=chunks[0], literal=True)
    rest = replace(first, marker="", joined=True)
    return [first, *(replace(rest, content=chunk) for chunk in chunks[1:])]


def plain_pieces(source: str) -> list[Piece]:
    """What a person typed, as it was typed; only fenced code is set apart."""
    lines = source.split("\n")
    out: list[Piece] = []
    shown = 0
    for block in read_blocks(source, {}) if "```" in source or "~~~" in source else ():
        if block.fence:
            out.extend(_literal(lines[shown : block.start]))
            out.extend(block.pieces)
            shown = block.end
    out.extend(_literal(lines[shown:]))
    return out


def _literal(lines: list[str]) -> list[Text]:
    text = "\n".join(lines).strip("\n")
    return paragraph(Text(text, literal=True)) if text.strip() else []


# -------------------------------------------------------------------------------------- inline


def inline_runs(content: str, references: References) -> list[Run]:
    """The runs of a paragraph. Images become links to them; other links than web and mail, text."""
    parser = _parser()
    tokens: list[Token] = []
    try:
        parser.inline.parse(content, parser, {"references": references}, tokens)
    except RecursionError:
        return [Run(clean.prose(content))]
    return _runs(tokens)


def _runs(tokens: list[Token]) -> list[Run]:
    runs: list[Run] = []
    style = Run("")
    for token in tokens:
        match token.type:
            case "strong_open" | "strong_close":
                style = replace(style, bold=token.nesting > 0)
            case "em_open" | "em_close":
                style = replace(style, italic=token.nesting > 0)
            case "s_open" | "s_close":
                style = replace(style, struck=token.nesting > 0)
            case "link_open":
                style = replace(style, link=clean.safe_link(str(token.attrGet("href") or "")))
            case "link_close":
                style = replace(style, link="")
            case _:
                runs.extend(_leaf(token, style))
    return runs


def _leaf(token: Token, style: Run) -> list[Run]:
    match token.type:
        case "softbreak" | "hardbreak":
            # Models break lines where they mean it (verses, addresses), like people do in a chat.
            return [replace(style, text=clean.LINE_BREAK)]
        case "code_inline":
            return [replace(style, text=clean.prose(token.content), code=True)]
        case "image":
            target = style.link or clean.safe_link(str(token.attrGet("src") or ""))
            return [replace(style, text=clean.prose(token.content) or "image", link=target)]
        case _:
            return _with_bare_links(clean.prose(token.content), style)


def _with_bare_links(text: str, style: Run) -> list[Run]:
    if not text:
        return []
    if style.link:
        return [replace(style, text=text)]
    runs: list[Run] = []
    shown = 0
    for start, end in clean.bare_links(text):
        if start > shown:
            runs.append(replace(style, text=text[shown:start]))
        runs.append(replace(style, text=text[start:end], link=text[start:end]))
        shown = end
    if shown < len(text):
        runs.append(replace(style, text=text[shown:]))
    return runs


def mend(content: str) -> str:
    """Close the bold or inline code that a paragraph still being written has open.

    Only so that its marks do not flash up; the finished paragraph is read as it is.
    """
    if content.count("`") % 2:
        return content[:-1] if content.endswith("`") else content + "`"
    parts = content.split("`")
    if sum(part.count("**") for part in parts[::2]) % 2 == 0:
        return content
    stripped = content.rstrip()
    if stripped.endswith("**"):
        return stripped[:-2]
    return stripped + ("*" if stripped.endswith("*") else "**")
