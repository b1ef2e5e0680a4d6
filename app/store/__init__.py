"""Conversations in SQLite: schema, migrations, messages, search."""
