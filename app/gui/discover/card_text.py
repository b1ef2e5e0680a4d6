"""A repository's card made readable: what is HTML in it goes, its words and its links stay.

A card is foreign text. What is left is Markdown for the transcript's renderer, which draws raw
HTML as text and never fetches anything; this only keeps the page from being full of tags.
"""

from __future__ import annotations

import re

LONGEST_CARD = 60_000
"""Characters that are shown; the rest is on the repository's page."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HIDDEN = re.compile(
    r"<(script|style|svg|iframe|object|noscript)\b[^<>]{0,2000}>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_LINK = re.compile(
    r"<a\b[^<>]{0,2000}?\bhref\s*=\s*[\"'](https?://[^\"'<>\s]{1,2000})[\"'][^<>]{0,2000}>"
    r"([^<>\[\]\n]{1,500})</a\s*>",
    re.IGNORECASE,
)
_HEADING = re.compile(r"<h([1-6])\b[^<>]{0,2000}>\s*([^<>\n]{1,500}?)\s*</h\1\s*>", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:br|p|div|tr|li|ul|ol|table|center|details|summary)\b[^<>]{0,2000}>", re.IGNORECASE
)
_INDENTED_TAG = re.compile(r"^[ \t]+<", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][a-z0-9-]{0,30}(?:\s[^<>]{0,4000})?/?>", re.IGNORECASE)
_INLINE_CODE = re.compile(r"`[^`\n]{1,1000}`|``[^\n]{1,200}?``")
_PICTURE = re.compile(r"!\[[^\[\]\n]{0,500}\]\([^()\s]{0,2000}(?:\s[^()\n]{0,500})?\)")
_PICTURE_LINK = re.compile(r"\[\s*\]\([^()\s]{0,2000}\)")
_MANY_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


def readable(card: str) -> str:
    """The card without tags, comments and pictures; code stays as it is."""
    out: list[str] = []
    for is_code, piece in _pieces(_cut(card)):
        out.append(piece if is_code else _without_html(piece))
    return "".join(out).strip()


def is_cut(card: str) -> bool:
    """Whether only a part of it is shown."""
    return len(card) > LONGEST_CARD


def _cut(card: str) -> str:
    if not is_cut(card):
        return card
    return card[:LONGEST_CARD].rpartition("\n")[0]


def _pieces(text: str) -> list[tuple[bool, str]]:
    """Fenced code, and what stands between it."""
    pieces: list[tuple[bool, str]] = []
    lines: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        match = _FENCE.match(line)
        if not fence and match:
            pieces.append((False, "".join(lines)))
            lines, fence = [line], match[1]
        elif fence and match and match[1].startswith(fence) and not line.strip().strip(fence[0]):
            pieces.append((True, "".join([*lines, line])))
            lines, fence = [], ""
        else:
            lines.append(line)
    pieces.append((bool(fence), "".join(lines)))
    return pieces


def _without_html(text: str) -> str:
    text = _HIDDEN.sub("", _COMMENT.sub("", text))
    out: list[str] = []
    shown = 0
    for match in _INLINE_CODE.finditer(text):
        out += (_without_tags(text[shown : match.start()]), match.group())
        shown = match.end()
    out.append(_without_tags(text[shown:]))
    return _MANY_BLANK_LINES.sub("\n\n", "".join(out))


def _without_tags(text: str) -> str:
    if "<" in text:
        # What stands further in because of its tag must not become code.
        text = _INDENTED_TAG.sub("<", text)
        text = _LINK.sub(r"[\2](\1)", text)
        text = _HEADING.sub(lambda found: f"\n\n{'#' * int(found[1])} {found[2]}\n\n", text)
        text = "".join(_without_tags_in(line) for line in text.splitlines(keepends=True))
    if "](" in text:
        text = _PICTURE_LINK.sub("", _PICTURE.sub("", text))
    return text


def _without_tags_in(line: str) -> str:
    # A line break in a cell must not end the table.
    between = " " if line.lstrip().startswith("|") else "\n\n"
    return _TAG.sub("", _BREAK.sub(between, line))
