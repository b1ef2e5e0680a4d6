"""Tests that pass without PySide6; the folders mirror app/."""
