"""Full-text search over messages and titles, newest first.

Newest first is the order of the index itself, so that the first hits need no sorting of all: by
rank, a word that is in most of a million messages took 1.7 s, this way 0.6 ms.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from app.domain.conversation import HIT_END, HIT_START, SearchHit
from app.domain.generation import Role
from app.store.query import Query

SNIPPET_TOKENS = 24
"""Words around the hits that FTS5 cuts out (it allows up to 64)."""
SNIPPET_LENGTH = 160
"""Characters, where the snippet is cut out here."""
SNIPPET_LEAD = 40
"""Characters of them before the first hit."""

_MESSAGE = (
    "message.conversation_id, message.id, conversation.title, message.role, message.created_at"
)
_TITLE = "conversation.id, NULL, conversation.title, NULL, conversation.created_at"
# CROSS JOIN keeps SQLite from starting with another table, which would need sorting.
_OF_PART = (
    "CROSS JOIN message ON message.id = part.message_id "
    "CROSS JOIN conversation ON conversation.id = message.conversation_id"
)
_MESSAGES_BY_WORDS = f"""
    SELECT {_MESSAGE}, snippet(part_fts, 0, '{HIT_START}', '{HIT_END}', '…', {SNIPPET_TOKENS})
    FROM part_fts CROSS JOIN part ON part.id = part_fts.rowid {_OF_PART}
    WHERE part_fts MATCH ? AND conversation.trashed_at IS NULL ORDER BY part_fts.rowid DESC
"""
_TITLES_BY_WORDS = f"""
    SELECT {_TITLE}, snippet(title_fts, 0, '{HIT_START}', '{HIT_END}', '…', {SNIPPET_TOKENS})
    FROM title_fts CROSS JOIN conversation ON conversation.id = title_fts.rowid
    WHERE title_fts MATCH ? AND conversation.trashed_at IS NULL ORDER BY title_fts.rowid DESC
"""
_MESSAGES_BY_TEXT = f"""
    SELECT {_MESSAGE}, part.text FROM part {_OF_PART}
    WHERE part.searchable AND {{}} AND conversation.trashed_at IS NULL ORDER BY part.id DESC
"""
_TITLES_BY_TEXT = f"""
    SELECT {_TITLE}, conversation.title FROM conversation
    WHERE {{}} AND conversation.trashed_at IS NULL ORDER BY conversation.id DESC
"""
_LIKE_SIGN = re.compile(r"[%_\\]")


def search(connection: sqlite3.Connection, query: Query, limit: int) -> list[SearchHit]:
    """At most `limit` hits, one for a message; nothing if it is interrupted.

    By the index of words first. Where that has no way (no spaces between words, an emoji) or
    finds nothing (the middle of a word), by reading through the text.
    """
    if not query.terms:
        return []
    try:
        hits = _by_words(connection, query, limit) if query.has_words else []
        hits = hits or _by_text(connection, query.terms, limit)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return []
        raise
    hits.sort(key=lambda hit: hit.created_at, reverse=True)
    return hits[:limit]


def _by_words(connection: sqlite3.Connection, query: Query, limit: int) -> list[SearchHit]:
    match = (query.expression,)
    return [
        _hit(row, _one_line(row[-1]))
        for statement in (_MESSAGES_BY_WORDS, _TITLES_BY_WORDS)
        for row in _first_of_each(connection.execute(statement, match), limit)
    ]


def _by_text(connection: sqlite3.Connection, terms: tuple[str, ...], limit: int) -> list[SearchHit]:
    patterns = ["%" + _LIKE_SIGN.sub(r"\\\g<0>", term) + "%" for term in terms]
    marks = re.compile("|".join(map(re.escape, terms)), re.IGNORECASE)
    hits: list[SearchHit] = []
    for statement, column in ((_MESSAGES_BY_TEXT, "text"), (_TITLES_BY_TEXT, "title")):
        condition = " AND ".join([f"{column} LIKE ? ESCAPE '\\'"] * len(terms))
        rows = connection.execute(statement.format(condition), patterns)
        hits += [_hit(row, _snippet(row[-1], marks)) for row in _first_of_each(rows, limit)]
    return hits


def _first_of_each(rows: Iterable[tuple[Any, ...]], limit: int) -> list[tuple[Any, ...]]:
    """A message whose reasoning and text both match is one hit; no row is read in vain."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        found.setdefault(row[:2], row)
        if len(found) == limit:
            break
    return list(found.values())


def _hit(row: tuple[Any, ...], snippet: str) -> SearchHit:
    conversation_id, message_id, title, role, created_at, _ = row
    return SearchHit(
        conversation_id=conversation_id,
        message_id=message_id,
        title=title,
        snippet=snippet,
        role=None if role is None else Role(role),
        created_at=created_at,
    )


def _snippet(text: str, marks: re.Pattern[str]) -> str:
    text = _one_line(text)
    first = marks.search(text)
    start = max(0, first.start() - SNIPPET_LEAD) if first else 0
    cut = text[start : start + SNIPPET_LENGTH]
    marked = marks.sub(lambda match: f"{HIT_START}{match.group()}{HIT_END}", cut)
    before = "…" if start else ""
    after = "…" if start + SNIPPET_LENGTH < len(text) else ""
    return f"{before}{marked}{after}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
