"""A file that is there while a model is loaded, and stays if that takes the application along."""

from __future__ import annotations

from pathlib import Path

from app.config.whole_file import write_whole
from app.domain.errors import ConfigError


class LoadMarkFile:
    """The `LoadMark` port."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str:
        """What was being loaded when the application ended; empty: nothing."""
        try:
            return self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, loading: str) -> None:
        """What is loaded from now on, on disk on return; empty: nothing. Raises `ConfigError`."""
        try:
            if loading:
                write_whole(self._path, loading.encode())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError("A file of the profile can't be written.", str(error)) from error
