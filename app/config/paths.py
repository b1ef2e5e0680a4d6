"""Where a profile keeps its things."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import ProfileUnusable

VARIABLE = "LAMPLIGHT_HOME"
"""Names the profile folder where `--profile` does not."""


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """Everything of a profile lies in one folder, so that it can be moved, copied, deleted."""

    root: Path

    @property
    def database(self) -> Path:
        """The conversations."""
        return self.root / "conversations.db"

    @property
    def settings(self) -> Path:
        """The settings, in TOML, for people to edit too."""
        return self.root / "settings.toml"

    @property
    def load_settings(self) -> Path:
        """How each model is loaded, in TOML too."""
        return self.root / "models.toml"

    @property
    def window_state(self) -> Path:
        """Where the window was and how it was divided."""
        return self.root / "window.json"

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.root / "logs"

    @property
    def models(self) -> Path:
        """The folder of the model files that Lamplight itself keeps."""
        return self.root / "models"

    @property
    def states(self) -> Path:
        """The folder of what models have read, kept so that they need not read it again."""
        return self.root / "cache" / "states"

    @property
    def library_notes(self) -> Path:
        """What is remembered of models: names, favourites, last use, hashes."""
        return self.root / "library.json"

    @property
    def library_index(self) -> Path:
        """What was seen in each model file, so that it need not be opened again."""
        return self.root / "cache" / "library.jsonl"

    @property
    def load_mark(self) -> Path:
        """There while a model is loaded: tells the next start which load did not end."""
        return self.root / "loading"

    @property
    def downloads_lock(self) -> Path:
        """The file whose lock tells that a process writes downloads."""
        return self.root / "downloads.lock"

    @property
    def lock(self) -> Path:
        """The file whose lock tells that a process owns the profile."""
        return self.root / "profile.lock"


def profile_paths(profile: str | None, environment: Mapping[str, str]) -> ProfilePaths:
    """The profile that was asked for (`--profile`), else `LAMPLIGHT_HOME`, else the person's own.

    The last is the system's folder for application data, as platformdirs knows it.
    """
    chosen = profile or environment.get(VARIABLE)
    if chosen:
        return ProfilePaths(Path(os.path.abspath(os.path.expanduser(chosen))))
    # Imported here: a start with a profile of its own does not need it.
    import platformdirs

    return ProfilePaths(platformdirs.user_data_path("Lamplight", appauthor=False))


def make_folders(paths: ProfilePaths) -> bool:
    """Make what is missing; False: the profile can be read but not written.

    Raises `ProfileUnusable` where there is no folder and none can be made, or it can't be read.
    """
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        os.listdir(paths.root)
    except OSError as error:
        raise _unusable(paths.root, error) from error
    try:
        paths.logs.mkdir(exist_ok=True)
        paths.models.mkdir(exist_ok=True)
        # Only writing tells: a disk can be mounted read-only, permissions can be more than bits.
        with tempfile.TemporaryFile(dir=paths.root):
            return True
    except OSError as error:
        # A full disk is no reason to call the folder protected; whoever writes will say it.
        return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _unusable(root: Path, error: OSError) -> ProfileUnusable:
    if isinstance(error, FileExistsError | NotADirectoryError):
        title = "The profile folder can't be used, because a file has its name."
    elif root.exists():
        title = "The profile folder can't be read."
    else:
        title = "The profile folder can't be made."
    return ProfileUnusable(
        title,
        f"{root}: {error.strerror}",
        "Choose another folder with --profile FOLDER, or allow Lamplight to use this one.",
    )
