"""Paths, settings file, secrets, logs, the lock on a profile."""
