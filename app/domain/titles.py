"""A conversation's title from its first words, without asking a model.

A second model call would delay the reader and spend memory, and a small model writes poor titles;
the question's own first sentence is what its writer recognises.
"""

# Punctuation of other scripts is what this module looks for.
# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_COLUMNS: Final = 60
"""Wide (Chinese, Japanese, Korean) letters take two columns; so a title has at most 60 letters."""

_LOOKED_AT: Final = 20_000
"""Characters; a title is found at the beginning or not at all."""
_SHORTEST_CLAUSE: Final = 20
"""Columns that a clause needs to stand for its sentence."""

_FENCE: Final = re.compile(r"\s{0,3}(```|~~~)")
_BLOCK_MARK: Final = re.compile(r"^\s*(?:(?:#{1,6}|>|[-*+•]|\d{1,3}[.)])\s+|>)+")
_RULE: Final = re.compile(r"^\s*(?:[-*_=]\s*){3,}$")
_LINK: Final = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,2000}(?:\s[^()]{0,300})?\)")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_EMPHASIS: Final = re.compile(r"\*{1,3}|_{2,3}|~~|`+|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)")
_URL: Final = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']{1,2000}", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])[\"'”’)\]]?\s+|(?<=[。！？])|\n+")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|mr|mrs|ms|dr|st|approx)|\b[A-Z])\.$", re.IGNORECASE
)
_CLAUSE_END: Final = re.compile(r"[,;:]\s|\s[-–—]\s|—|[，、；：]")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
_JOINER: Final = "\u200d"
"""Joins several emoji into one."""
_KEPT: Final = f"\n\t{_JOINER}"
_SPACES: Final = re.compile(r"\s+")
_GREETING: Final = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|dear \w+"
    r"|hallo|guten (?:morgen|tag|abend)|bonjour|salut|hola|ciao|olá)"
    r"(?: there| all| everyone| everybody| again)?\b|你好|您好|こんにちは|안녕하세요)"
    r"[\s,.!:;—–，。！、-]*",
    re.IGNORECASE,
)
_POLITENESS: Final = re.compile(
    r"^(?:(?:can|could|would|will) (?:you|u) (?:please |kindly |maybe )?(?=\w+ \w)"
    r"|(?:please|pls|kindly),? (?=\w)"
    r"|i(?: would|'d|’d) like (?:you )?to (?:know )?(?=\w+ \w)|i (?:want|need) you to (?=\w+ \w))",
    re.IGNORECASE,
)
_QUOTES: Final = {
    '"': '"',
    "'": "'",
    "“": "”",
    "‘": "’",
    "«": "»",
    "„": "“",
    "「": "」",
    "『": "』",
}


def title_from(first_user_text: str, first_answer: str) -> str:
    """At most 60 columns on one line; empty only where neither text shows anything."""
    asked = _visible(first_user_text[:_LOOKED_AT])
    answered = _visible(first_answer[:_LOOKED_AT])
    prose, code = _apart(asked)
    said, _ = _apart(answered)
    without_links = _URL.sub(" ", prose)
    candidates = (
        _from_prose(without_links),
        _from_address(prose),
        _from_code(code),
        _capitalised(_one_line(_plain(prose))),
        _from_prose(said),
        _one_line(asked),
        _one_line(answered),
    )
    return next((_fitted(title) for title in candidates if title), "")


def _visible(text: str) -> str:
    """Without control characters, direction marks and half surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        letter if letter in _KEPT or unicodedata.category(letter) not in _HIDDEN else " "
        for letter in text
    )


def _apart(text: str) -> tuple[str, str]:
    """Prose and fenced code; a fence that is never closed reaches to the end."""
    prose: list[str] = []
    code: list[str] = []
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if match and fence in ("", match[1]):
            fence = "" if fence else match[1]
        elif fence:
            code.append(line)
        elif not _RULE.match(line):
            prose.append(line)
    return "\n".join(prose), "\n".join(code)


def _from_prose(text: str) -> str:
    """The first sentence that says something, without greeting, politeness and markup."""
    rest = _plain(text).strip()
    previous = None
    while rest != previous:
        previous = rest
        rest = _GREETING.sub("", rest, count=1).lstrip()
    for sentence in _sentences(rest):
        title = _unquoted(_POLITENESS.sub("", _one_line(sentence), count=1))
        title = title.rstrip(" .。,，;；:：")
        if _says_something(title):
            return _capitalised(title)
    return ""


def _plain(text: str) -> str:
    lines = (_BLOCK_MARK.sub("", line) for line in text.split("\n"))
    return _EMPHASIS.sub("", _TAG.sub(" ", _LINK.sub(r"\1", "\n".join(lines))))


def _sentences(text: str) -> list[str]:
    sentences: list[str] = []
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        if "\n" not in end[0] and _ABBREVIATION.search(text[max(0, end.start() - 8) : end.start()]):
            continue
        sentences.append(text[begin : end.end()])
        begin = end.end()
    sentences.append(text[begin:])
    return sentences


def _from_address(text: str) -> str:
    """A link alone is named by its site and the last word of its path."""
    match = _URL.search(text)
    if match is None:
        return ""
    address = re.sub(r"^https?://|^www\.", "", match[0], flags=re.IGNORECASE)
    address = re.split(r"[?#]", address)[0].removeprefix("www.")
    site, *path = [piece for piece in address.split("/") if piece] or [""]
    return f"{site}: {path[-1]}" if path else site


def _from_code(code: str) -> str:
    """The first line of code that has a letter in it."""
    for line in code.split("\n"):
        title = _one_line(line)
        if _says_something(title):
            return title
    return ""


def _says_something(text: str) -> bool:
    return sum(letter.isalnum() for letter in text) >= 2 or any(map(_is_wide_letter, text))


def _is_wide_letter(letter: str) -> bool:
    return letter.isalnum() and unicodedata.east_asian_width(letter) in "WF"


def _one_line(text: str) -> str:
    return _SPACES.sub(" ", text).strip(f" {_JOINER}")


def _unquoted(text: str) -> str:
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def _capitalised(text: str) -> str:
    """With a first letter in upper case, unless the first word is a name like `x1` or `iPhone`."""
    word = text.split(" ", 1)[0]
    if word.isalpha() and word.islower() and len(text[0].upper()) == 1:
        return text[0].upper() + text[1:]
    return text


def _fitted(title: str) -> str:
    """Cut at a clause, else at a word, else between two letters."""
    if _columns(title) <= MAX_COLUMNS:
        return title
    room = _prefix(title, MAX_COLUMNS)
    clauses = [end.start() for end in _CLAUSE_END.finditer(room)]
    if clauses and _columns(title[: clauses[-1]]) >= _SHORTEST_CLAUSE:
        return title[: clauses[-1]].rstrip()
    room = _prefix(title, MAX_COLUMNS - 1)
    if not title[len(room)].isspace():
        word_end = room.rfind(" ")
        if _columns(room[: max(word_end, 0)]) >= _SHORTEST_CLAUSE:
            room = room[:word_end]
    return room.rstrip(" ,;:-–—，、；：") + "…"


def _prefix(text: str, columns: int) -> str:
    """As many letters as fit, never between a letter and its marks."""
    used = 0
    end = 0
    for index, letter in enumerate(text):
        used += _width(letter)
        if used > columns:
            break
        end = index + 1
    while end > 1 and end < len(text) and _joins(text[end - 1], text[end]):
        end -= 1
    return text[:end]


def _joins(before: str, after: str) -> bool:
    return _JOINER in (before, after) or unicodedata.category(after).startswith("M")


def _columns(text: str) -> int:
    return sum(map(_width, text))


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
