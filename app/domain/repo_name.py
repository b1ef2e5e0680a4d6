"""Names of models as people have them: a repository, perhaps with a variant, or its address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.domain.errors import UsageError

_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<rest>.*)$", re.I)
_FILE = re.compile(r"^(?:blob|resolve)/[^/]+/(?P<path>[^?#]+)", re.I)
_REPO = re.compile(r"^[\w.-]+/[\w.-]+$")


@dataclass(frozen=True, slots=True)
class RepoName:
    """What a name asks for."""

    repo_id: str
    quantisation: str = ""
    """Empty: whichever is recommended."""
    path: str = ""
    """Of one file, where the name is that file's address."""


def is_address(text: str) -> bool:
    """Whether it is an address of the hub, and so no path."""
    return _ADDRESS.match(text.strip()) is not None


def parse_repo_name(text: str) -> RepoName:
    """`author/repo`, `author/repo:Q4_K_M`, `hf.co/…`, or an address copied from a web browser.

    Raises `UsageError`.
    """
    name = text.strip()
    address = _ADDRESS.match(name)
    name = (address["rest"] if address else name).rstrip("/")
    parts = name.split("/", 2)
    repo, _, quantisation = "/".join(parts[:2]).partition(":")
    file = _FILE.match(parts[2]) if len(parts) == 3 else None
    # Below an address there may be other pages of the repository (`tree/main`); only files count.
    if not _REPO.match(repo) or (len(parts) == 3 and not address):
        raise UsageError(
            f"“{text}” is not the name of a repository.",
            "",
            "Write AUTHOR/NAME or AUTHOR/NAME:VARIANT, or copy its address from a web browser.",
        )
    return RepoName(repo, quantisation.upper(), file["path"] if file else "")
