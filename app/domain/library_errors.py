"""What can go wrong with the models on this computer: kept, moved, and made smaller.

See `app.domain.errors` for what such a case is.
"""

from __future__ import annotations

from app.domain.errors import AppError


class LibraryError(AppError):
    """Something could not be done with the models on this computer."""

    kind = "library"


class NotOurs(LibraryError):
    """The file belongs to another application or lies in a folder that is only looked at."""

    kind = "library.not_ours"


class TrashUnusable(LibraryError):
    """The system has no trash for this file, or does not take it."""

    kind = "library.trash"


class FolderRefused(LibraryError):
    """A folder that cannot be used for models."""

    kind = "library.folder"


class LibraryNoSpace(LibraryError):
    """The disk has no room for what is to be put there."""

    kind = "library.no_space"


class LibraryBusy(LibraryError):
    """Something else is being done with these files."""

    kind = "library.busy"


class QuantiseError(AppError):
    """A model could not be made smaller."""

    kind = "quantise"


class QuantiseRefused(QuantiseError):
    """Nothing would be gained, or llama.cpp cannot do it with this file."""

    kind = "quantise.refused"


class AlreadyQuantised(QuantiseError):
    """The source was made smaller before; doing it again must be asked for."""

    kind = "quantise.already_quantised"


class ResultExists(QuantiseError):
    """Something of the result's name is there; replacing it must be asked for."""

    kind = "quantise.exists"


class ResultUnwritable(QuantiseError):
    """The result cannot be written: no room, no right, or a disk that is gone."""

    kind = "quantise.unwritable"
