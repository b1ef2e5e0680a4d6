"""The shape of the database, as numbered migrations.

Number N is the N-th entry of `MIGRATIONS`; a released entry is never changed, a new one is added.
Each entry is a sequence of statements (sqlite3's `executescript` would commit half-way).

Messages form a tree and a conversation points into it with `head_id`. Children and siblings are
queried, never stored. Only `conversation_id` cascades through the tree: a cascade along `parent_id`
fails past 1,000 levels ("too many levels of trigger recursion").
"""

from __future__ import annotations

from typing import TypeAlias

Migration: TypeAlias = tuple[str, ...]

APPLICATION_ID = 0x4C414D50
"""`LAMP` in the file's header: tells our file from any other SQLite database."""

_FIRST: Migration = (
    """
    CREATE TABLE conversation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- an id is never used again for another one
        uid TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),  -- the same on any machine
        title TEXT NOT NULL DEFAULT '',
        title_automatic INTEGER NOT NULL DEFAULT 1,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        head_id INTEGER REFERENCES message(id) DEFERRABLE INITIALLY DEFERRED,
        params TEXT NOT NULL,  -- JSON
        model_path TEXT,
        draft TEXT NOT NULL DEFAULT '',
        trashed_at INTEGER
    ) STRICT
    """,
    # Without it, deleting a message reads every conversation to see whether it is somebody's head.
    "CREATE INDEX conversation_by_head ON conversation(head_id)",
    """
    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- a child's is higher than its parent's
        uid TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
        conversation_id INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
        parent_id INTEGER REFERENCES message(id) DEFERRABLE INITIALLY DEFERRED,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        finished_at INTEGER  -- NULL while it streams
    ) STRICT
    """,
    "CREATE INDEX message_by_parent ON message(parent_id)",
    # The roots of a conversation have no parent: siblings among them are found here.
    "CREATE INDEX message_by_place ON message(conversation_id, parent_id)",
    "CREATE INDEX message_streaming ON message(id) WHERE status = 'streaming'",
    """
    CREATE TABLE part (
        id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,  -- gives the order; numbers may be missing
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        searchable INTEGER NOT NULL DEFAULT 0,  -- 0 while its message streams
        UNIQUE (message_id, ordinal)
    ) STRICT
    """,
    """
    CREATE TABLE model_file (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sha256 TEXT,
        noted INTEGER NOT NULL,  -- counts up: of a path's rows, the highest is what lies there now
        UNIQUE (path, size, mtime_ns)
    ) STRICT
    """,
    """
    CREATE TABLE run (
        message_id INTEGER PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
        model_name TEXT NOT NULL,
        model_path TEXT NOT NULL,
        model_sha256 TEXT,
        model_file_id INTEGER REFERENCES model_file(id),  -- brings the hash that is computed later
        params TEXT NOT NULL,  -- JSON
        finish TEXT,
        error_title TEXT NOT NULL,
        error_detail TEXT NOT NULL,
        error_remedy TEXT NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        answer_tokens INTEGER NOT NULL,
        prompt_seconds REAL NOT NULL,
        first_token_seconds REAL NOT NULL,
        decode_seconds REAL NOT NULL,
        seed INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE VIEW searchable_part AS SELECT id, text FROM part WHERE searchable",
    """
    CREATE VIRTUAL TABLE part_fts USING fts5(
        text, content = 'searchable_part', content_rowid = 'id',
        tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER part_inserted AFTER INSERT ON part WHEN new.searchable BEGIN
        INSERT INTO part_fts(rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER part_updated AFTER UPDATE OF text, searchable ON part BEGIN
        INSERT INTO part_fts(part_fts, rowid, text)
            SELECT 'delete', old.id, old.text WHERE old.searchable;
        INSERT INTO part_fts(rowid, text) SELECT new.id, new.text WHERE new.searchable;
    END
    """,
    """
    CREATE TRIGGER part_deleted AFTER DELETE ON part WHEN old.searchable BEGIN
        INSERT INTO part_fts(part_fts, rowid, text) VALUES ('delete', old.id, old.text);
    END
    """,
    """
    CREATE VIRTUAL TABLE title_fts USING fts5(
        title, content = 'conversation', content_rowid = 'id',
        tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER conversation_inserted AFTER INSERT ON conversation BEGIN
        INSERT INTO title_fts(rowid, title) VALUES (new.id, new.title);
    END
    """,
    """
    CREATE TRIGGER title_updated AFTER UPDATE OF title ON conversation BEGIN
        INSERT INTO title_fts(title_fts, rowid, title) VALUES ('delete', old.id, old.title);
        INSERT INTO title_fts(rowid, title) VALUES (new.id, new.title);
    END
    """,
    """
    CREATE TRIGGER conversation_deleted AFTER DELETE ON conversation BEGIN
        INSERT INTO title_fts(title_fts, rowid, title) VALUES ('delete', old.id, old.title);
    END
    """,
)

_FIT: Migration = (
    """
    CREATE TABLE fit (
        id INTEGER PRIMARY KEY,  -- the highest was written last
        model_file_id INTEGER NOT NULL REFERENCES model_file(id),
        machine TEXT NOT NULL,
        plan TEXT NOT NULL,  -- JSON: how the context was made
        predicted TEXT NOT NULL,  -- JSON: bytes by the formula alone
        measured TEXT NOT NULL,  -- JSON: bytes by llama.cpp's own account
        measured_at INTEGER NOT NULL,
        UNIQUE (model_file_id, machine, plan)
    ) STRICT
    """,
)

_LEFT_OUT: Migration = (
    # Messages that did not fit into the context, and tokens dropped from it while writing.
    "ALTER TABLE run ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN shifted_tokens INTEGER NOT NULL DEFAULT 0",
)

_BENCHMARK: Migration = (
    """
    CREATE TABLE benchmark (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- the highest was measured last
        model_file_id INTEGER NOT NULL REFERENCES model_file(id),
        machine TEXT NOT NULL,
        measured_at INTEGER NOT NULL,
        subject TEXT NOT NULL,  -- JSON: how it was loaded, and what it took
        result TEXT NOT NULL  -- JSON: rates, and what was measured how
    ) STRICT
    """,
    "CREATE INDEX benchmark_by_file ON benchmark(model_file_id, machine)",
)

_GUESSED: Migration = (
    # Tokens that were guessed beforehand, and those of them that the model chose as well.
    "ALTER TABLE run ADD COLUMN drafted_tokens INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN accepted_tokens INTEGER NOT NULL DEFAULT 0",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST, _FIT, _LEFT_OUT, _BENCHMARK, _GUESSED)
