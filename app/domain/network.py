"""Why Lamplight would speak with another computer."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a request is for; shown in the ledger of requests."""

    BROWSE = "look for models"
    DOWNLOAD = "download a model"
    SIGN_IN = "check an access token"
