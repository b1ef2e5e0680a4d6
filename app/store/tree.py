"""Reading messages: each of these functions takes a handful of queries, however long the path."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from app.domain.conversation import Message, MessageStatus, Run
from app.domain.generation import Role
from app.store.conversations import load, missing_message
from app.store.values import RUN_COLUMNS, join_parts, run_from_row

_PATH = """
    WITH RECURSIVE path(id, parent_id) AS (
        SELECT id, parent_id FROM message WHERE id = ?
        UNION ALL
        SELECT message.id, message.parent_id FROM message JOIN path ON message.id = path.parent_id
    )
    SELECT id FROM path
"""
_LAST_BELOW = """
    WITH RECURSIVE below(id) AS (
        SELECT id FROM message WHERE id = ?
        UNION ALL
        SELECT message.id FROM message JOIN below ON message.parent_id = below.id
    )
    SELECT max(id) FROM below
"""
_GIVEN = "(SELECT value FROM json_each(?))"
"""Any number of ids in one parameter."""


def path(connection: sqlite3.Connection, conversation_id: int) -> list[Message]:
    """From the root to the head."""
    head_id = load(connection, conversation_id).head_id
    ids = [row[0] for row in connection.execute(_PATH, (head_id,))]
    ids.reverse()
    return messages(connection, ids)


def message(connection: sqlite3.Connection, message_id: int) -> Message:
    """One message; raises `NotFound`."""
    found = messages(connection, [message_id])
    if not found:
        raise missing_message(message_id)
    return found[0]


def newest_leaf(connection: sqlite3.Connection, message_id: int) -> int:
    """The message below (or at) this one that was written last; raises `NotFound`.

    It is a leaf, since a child is written after its parent and ids count up.
    """
    leaf: int | None = connection.execute(_LAST_BELOW, (message_id,)).fetchone()[0]
    if leaf is None:
        raise missing_message(message_id)
    return leaf


def messages(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Message]:
    """Those of these messages that exist, in the order given."""
    given = json.dumps(ids)
    rows = {
        row[0]: row
        for row in connection.execute(
            "SELECT id, conversation_id, parent_id, role, status, created_at "
            f"FROM message WHERE id IN {_GIVEN}",
            (given,),
        )
    }
    siblings = _siblings(connection, {(row[1], row[2]) for row in rows.values()})
    pieces = _pieces(connection, given)
    runs = _runs(connection, given)
    found: list[Message] = []
    for ident in ids:
        if ident not in rows:
            continue
        _, conversation_id, parent_id, role, status, created_at = rows[ident]
        found.append(
            Message(
                id=ident,
                conversation_id=conversation_id,
                parent_id=parent_id,
                role=Role(role),
                status=MessageStatus(status),
                created_at=created_at,
                parts=join_parts(pieces[ident]),
                run=runs.get(ident),
                sibling_ids=tuple(siblings[conversation_id, parent_id]),
            )
        )
    return found


def _siblings(
    connection: sqlite3.Connection, places: Iterable[tuple[int, int | None]]
) -> dict[tuple[int, int | None], list[int]]:
    """Ids by place (conversation and parent), oldest first."""
    found: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    rows = connection.execute(
        # IS, because the roots of a conversation share the parent NULL.
        "SELECT message.conversation_id, message.parent_id, message.id FROM json_each(?) AS place "
        "CROSS JOIN message ON message.conversation_id = place.value ->> 0 "
        "AND message.parent_id IS place.value ->> 1 ORDER BY message.id",
        (json.dumps(list(places)),),
    )
    for conversation_id, parent_id, ident in rows:
        found[conversation_id, parent_id].append(ident)
    return found


def _pieces(connection: sqlite3.Connection, given: str) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = connection.execute(
        f"SELECT message_id, kind, text FROM part WHERE message_id IN {_GIVEN} "
        "ORDER BY message_id, ordinal",
        (given,),
    )
    for message_id, kind, text in rows:
        found[message_id].append((kind, text))
    return found


def _runs(connection: sqlite3.Connection, given: str) -> dict[int, Run]:
    # The hash of the file may have been computed after the run was written.
    columns = RUN_COLUMNS.replace(
        "model_sha256", "coalesce(model_sha256, model_file.sha256)"
    ).replace("model_path", "run.model_path")
    rows = connection.execute(
        f"SELECT message_id, {columns} FROM run "
        f"LEFT JOIN model_file ON model_file.id = model_file_id WHERE message_id IN {_GIVEN}",
        (given,),
    )
    return {row[0]: run_from_row(row[1:]) for row in rows}
