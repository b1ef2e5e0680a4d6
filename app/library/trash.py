"""The system's trash. The one module that knows Send2Trash."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.library_errors import TrashUnusable
from app.library.model_file import name_of


def put_into_trash(paths: Sequence[str]) -> None:
    """Each file, in this order; raises `TrashUnusable`, with those before already in the trash."""
    # Imported here: it looks for the desktop's libraries, and is wanted rarely.
    from send2trash import send2trash

    for path in paths:
        try:
            send2trash(path)
        except OSError as error:
            raise TrashUnusable(
                f"“{name_of(path)}” could not be put into the trash.",
                error.strerror or str(error),
                "Delete the file in your file manager, if you are sure.",
            ) from error
