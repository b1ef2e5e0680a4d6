"""Conversations that left the context, kept on disk until they are gone on with."""
