"""What may reach a text document: no control characters, no bidi overrides, no odd links.

The text of a message is whatever a language model or a clipboard produced. Python's strings may
hold characters that Qt gives a meaning of its own (U+2029 ends a block, U+FDD0 and U+FDD1 mark
table cells, U+FFFC stands for an object), that cannot be encoded (lone surrogates), or that show
something else than what is there (bidi overrides, "Trojan Source", CVE-2021-42574).
"""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LINE_BREAK = "\N{LINE SEPARATOR}"
"""Ends a line inside a block of a QTextDocument."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = [*range(0x09), 0x0B, *range(0x0D, 0x20), *range(0x7F, 0xA0)]
_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_QT_MARKS = [0xFDD0, 0xFDD1, 0xFFFC]

_PROSE: dict[int, str | None] = {
    **dict.fromkeys([*_CONTROLS, *_BIDI]),
    **dict.fromkeys(_QT_MARKS, REPLACEMENT),
    0x0C: " ",
    0x0A: LINE_BREAK,
    0x2029: LINE_BREAK,
}
_CODE: dict[int, str | None] = {
    **dict.fromkeys([*_CONTROLS, *_BIDI, *_QT_MARKS, 0x0C], REPLACEMENT),
    0x2028: " ",
    0x2029: " ",
}

_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_BARE_LINK = re.compile(r"\bhttps?://[^\s<>\"'`\x00-\x1f\x7f]+", re.IGNORECASE)


def encodable(text: str) -> str:
    """The text with lone surrogates replaced; Qt can take it."""
    return text if text.isascii() else _SURROGATES.sub(REPLACEMENT, text)


def prose(text: str) -> str:
    """Text for one block: what is invisible goes, line ends become line separators."""
    return text.translate(_PROSE)


def code(text: str) -> str:
    """Code to look at: every character keeps its place, what is invisible is made visible."""
    return text.translate(_CODE)


def safe_link(target: str) -> str:
    """The target if it is a web or mail address, else nothing."""
    return target if _LINK.fullmatch(target) else ""


def bare_links(text: str) -> list[tuple[int, int]]:
    """Where web addresses stand in plain text, without the punctuation that ends a sentence."""
    if "://" not in text:
        return []
    spans: list[tuple[int, int]] = []
    for match in _BARE_LINK.finditer(text):
        address = match.group().rstrip(".,;:!?*_")
        surplus = address.count(")") - address.count("(")
        while surplus > 0 and address.endswith(")"):
            address, surplus = address[:-1], surplus - 1
        spans.append((match.start(), match.start() + len(address)))
    return spans
