"""Why Ollama could not do it, in sentences: its own words are made for its programmers.

They are one text each, from server/images.go, server/download.go and server/routes.go of ollama,
with whatever the system said at their end.
"""

from __future__ import annotations

from app.domain.errors import (
    OllamaBroken,
    OllamaError,
    OllamaNoSpace,
    OllamaNotRunning,
    OllamaTooOld,
    OllamaUnknownModel,
    OllamaUnreachable,
)

_UNKNOWN = ("file does not exist", "not found", "invalid model name", "unauthorized")
_TOO_OLD = ("newer version of ollama", "412")
_FULL = ("no space left", "not enough space", "not enough disk", "disk is full")
_NETWORK = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection re",
    "max retries exceeded",
    "network is unreachable",
    "tls",
    "context deadline exceeded",
    "proxyconnect",
)


def not_running(address: str, detail: str) -> OllamaNotRunning:
    """Nobody is there."""
    return OllamaNotRunning(
        "Ollama is not running.",
        f"{address}: {detail}",
        "Start it (its application, or “ollama serve” in a terminal) and try again. A model from "
        "Hugging Face needs no Ollama: write AUTHOR/NAME.",
    )


def broken(address: str, detail: str) -> OllamaBroken:
    """Somebody is there who does not speak as Ollama does."""
    return OllamaBroken(
        f"What answers at {address} is not an Ollama that Lamplight understands.",
        detail,
        "Look whether another program uses that address (OLLAMA_HOST), or update Ollama.",
    )


def cut_short(name: str, detail: str) -> OllamaBroken:
    """It stopped in the middle."""
    return OllamaBroken(
        f"Ollama stopped before it had all of “{name}”.",
        detail,
        "Try again: Ollama keeps what has come and goes on there.",
    )


def of_words(words: str, name: str) -> OllamaError:
    """For an error that Ollama tells."""
    said = words.lower()
    if _says(said, _FULL):
        return OllamaNoSpace(
            "The disk on which Ollama keeps its models is full.",
            words,
            "Remove models that you do not use (“ollama rm NAME”), then try again.",
        )
    if _says(said, _TOO_OLD):
        return OllamaTooOld(
            f"“{name}” needs a newer Ollama than the one that runs here.",
            words,
            "Update Ollama, then try again.",
        )
    if _says(said, _NETWORK):
        return OllamaUnreachable(
            "Ollama cannot reach the place its models come from.",
            words,
            "Check the connection, then try again: it goes on with what has come.",
        )
    if _says(said, _UNKNOWN):
        return OllamaUnknownModel(
            f"Ollama knows no model “{name}”.",
            words,
            "Check how it is written at ollama.com, with its tag (llama3.2:3b).",
        )
    return OllamaError(
        f"Ollama could not get “{name}”.", words, "Try again; Ollama's own log may tell more."
    )


def _says(said: str, any_of: tuple[str, ...]) -> bool:
    return any(words in said for words in any_of)
