"""Rows of the table `conversation`."""

from __future__ import annotations

import sqlite3
from typing import Any

from app.domain.conversation import ChatParams, Conversation, ConversationSummary
from app.domain.errors import NotFound
from app.store.values import params_from_json, params_to_json, storable

_COLUMNS = "id, title, title_automatic, created_at, updated_at, head_id, params, model_path, draft"


def missing_conversation(conversation_id: int) -> NotFound:
    """The error for an id that names nothing."""
    return NotFound(
        "This conversation does not exist any more.",
        f"conversation {conversation_id}",
        "Choose another conversation from the list.",
    )


def create(
    connection: sqlite3.Connection, params: ChatParams, model_path: str | None, now: int
) -> Conversation:
    """An empty conversation without a title."""
    row = connection.execute(
        "INSERT INTO conversation (created_at, updated_at, params, model_path) "
        f"VALUES (?, ?, ?, ?) RETURNING {_COLUMNS}",
        (now, now, params_to_json(params), _storable_or_none(model_path)),
    ).fetchone()
    return _conversation(row)


def load(connection: sqlite3.Connection, conversation_id: int) -> Conversation:
    """The conversation, in the trash or not; raises `NotFound`."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM conversation WHERE id = ?", (conversation_id,)
    ).fetchone()
    if row is None:
        raise missing_conversation(conversation_id)
    return _conversation(row)


def _conversation(row: tuple[Any, ...]) -> Conversation:
    ident, title, automatic, created_at, updated_at, head_id, params, model_path, draft = row
    return Conversation(
        id=ident,
        title=title,
        title_is_automatic=bool(automatic),
        created_at=created_at,
        updated_at=updated_at,
        head_id=head_id,
        params=params_from_json(params),
        model_path=model_path,
        draft=draft,
    )


def summaries(connection: sqlite3.Connection, *, trashed: bool) -> list[ConversationSummary]:
    """Rows of the list or of the trash, most recently updated first."""
    rows = connection.execute(
        "SELECT id, title, created_at, updated_at FROM conversation "
        "WHERE (trashed_at IS NOT NULL) = ? ORDER BY updated_at DESC, id DESC",
        (trashed,),
    )
    return [ConversationSummary(*row) for row in rows]


def rename(
    connection: sqlite3.Connection, conversation_id: int, title: str, *, automatic: bool
) -> None:
    """Set the title; an automatic one never replaces one that a person gave."""
    require(connection, conversation_id)
    connection.execute(
        "UPDATE conversation SET title = ?2, title_automatic = ?3 "
        "WHERE id = ?1 AND (title_automatic OR NOT ?3)",
        (conversation_id, storable(title), automatic),
    )


def set_params(connection: sqlite3.Connection, conversation_id: int, params: ChatParams) -> None:
    """Replace the parameters."""
    _set(connection, conversation_id, "params", params_to_json(params))


def set_model(connection: sqlite3.Connection, conversation_id: int, model_path: str | None) -> None:
    """Replace the chosen model."""
    _set(connection, conversation_id, "model_path", _storable_or_none(model_path))


def set_draft(connection: sqlite3.Connection, conversation_id: int, draft: str) -> None:
    """Replace the draft."""
    _set(connection, conversation_id, "draft", storable(draft))


def set_trashed(
    connection: sqlite3.Connection, conversation_id: int, trashed_at: int | None
) -> None:
    """Put into the trash, or (None) take out of it."""
    _set(connection, conversation_id, "trashed_at", trashed_at)


def set_head(connection: sqlite3.Connection, conversation_id: int, message_id: int | None) -> None:
    """Point at a message of this conversation, or at none; raises `NotFound`."""
    if message_id is not None:
        require_message(connection, conversation_id, message_id)
    _set(connection, conversation_id, "head_id", message_id)


def _set(
    connection: sqlite3.Connection, conversation_id: int, column: str, value: str | int | None
) -> None:
    cursor = connection.execute(
        f"UPDATE conversation SET {column} = ? WHERE id = ?", (value, conversation_id)
    )
    if cursor.rowcount == 0:
        raise missing_conversation(conversation_id)


def require(connection: sqlite3.Connection, conversation_id: int) -> None:
    """Raise `NotFound` where there is no such conversation."""
    query = "SELECT 1 FROM conversation WHERE id = ?"
    if connection.execute(query, (conversation_id,)).fetchone() is None:
        raise missing_conversation(conversation_id)


def require_message(connection: sqlite3.Connection, conversation_id: int, message_id: int) -> None:
    """Raise `NotFound` where the conversation has no such message."""
    query = "SELECT 1 FROM message WHERE id = ? AND conversation_id = ?"
    if connection.execute(query, (message_id, conversation_id)).fetchone() is None:
        raise missing_message(message_id)


def missing_message(message_id: int) -> NotFound:
    """The error for an id that names nothing here."""
    return NotFound(
        "This message does not exist any more.",
        f"message {message_id}",
        "Open the conversation again.",
    )


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)
