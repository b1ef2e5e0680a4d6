"""Names of models as people have them: a repository of the hub, an address, a name of Ollama's.

What Ollama takes for a name: types/model/name.go of ollama, `[host/][namespace/]model[:tag]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from app.domain.errors import UsageError

_SCHEME = re.compile(r"^[a-z]+://", re.I)
_HUBS = ("huggingface.co", "www.huggingface.co", "hf.co", "hf-mirror.com")
_OLLAMA_HOSTS = ("ollama.com", "www.ollama.com", "registry.ollama.ai")
_COMMAND = re.compile(r"^ollama\s+(?:run|pull)\s+", re.I)
"""People copy the whole line from a model's page."""

_FILE = re.compile(r"^(?:blob|resolve|raw)/[^/]+/(?P<path>.+)$", re.I)
_REPO = re.compile(r"^\w[\w.-]*/\w[\w.-]*$")
_NOT_REPOS = frozenset({"datasets", "spaces", "models", "collections", "papers", "docs", "blog"})
"""Where the hub's addresses begin so, they name no repository of a model."""
_SHOWN_FILE = re.compile(r"(?:^|&)show_file_info=(?P<path>[^&#]+)")
"""The hub's page shows a file's header beside the repository under an address with this in it."""

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_OLLAMA = re.compile(r"^(?:[\w][\w.-]*/)?[\w][\w.-]*(?::[\w][\w.-]*)?$")
_QUANTISATION = re.compile(r"^(?:UD-)?(?:I?Q\d|B?F16|F32|TQ\d|MXFP4|NVFP4)", re.I)
_FILE_PATH = re.compile(r"^(?:[/~.\\]|[A-Za-z]:[/\\])|\\|\.gguf$", re.I)


@dataclass(frozen=True, slots=True)
class RepoName:
    """A repository of the hub, and what is wanted of it."""

    repo_id: str
    quantisation: str = ""
    """Empty: whichever is recommended."""
    path: str = ""
    """Of one file, where the name is that file's address."""


@dataclass(frozen=True, slots=True)
class OllamaName:
    """A model as Ollama names it."""

    name: str
    """`llama3.2:3b`, `user/name`; without a tag Ollama takes `latest`."""


ModelName: TypeAlias = RepoName | OllamaName


def is_address(text: str) -> bool:
    """Whether it is an address in a network, and so no path."""
    return bool(_SCHEME.match(text.strip())) or _after_host(text.strip(), _HUBS) is not None


def parse_model_name(text: str, mirrors: Iterable[str] = ()) -> ModelName:
    """What a name or an address asks for; `mirrors` are addresses of hubs beside the known ones.

    Of two words with a slash between them, the hub is meant (`author/repo`), unless a tag follows
    that can be no quantisation (`user/name:3b`): then Ollama is. Raises `UsageError`.
    """
    typed = text.strip()
    name = _COMMAND.sub("", typed)
    below = _after_host(name, _OLLAMA_HOSTS)
    is_ollamas = below is not None or name != typed or _is_ollamas(name)
    # Ollama can fetch from the hub too (`ollama run hf.co/author/repo`), but so can we.
    if not is_ollamas or _after_host(name, _hubs(mirrors)) is not None:
        repo = _read_repo(name, mirrors)
        if repo is None:
            raise _refused(text)
        return repo
    # Below an address there may be other pages of the model (`/tags`, `/blobs/…`).
    bare = name if below is None else "/".join(below.split("/")[:2])
    bare = bare.removeprefix("library/")
    if not _OLLAMA.match(bare):
        raise _refused(text)
    return OllamaName(bare)


def parse_repo_name(text: str, mirrors: Iterable[str] = ()) -> RepoName:
    """`author/repo`, `author/repo:Q4_K_M`, `hf.co/…`, or an address copied from a web browser.

    Raises `UsageError`.
    """
    repo = _read_repo(text.strip(), mirrors)
    if repo is None:
        raise UsageError(
            f"“{text}” is not the name of a repository.",
            "",
            "Write AUTHOR/NAME or AUTHOR/NAME:VARIANT, or copy its address from a web browser.",
        )
    return repo


def _read_repo(text: str, mirrors: Iterable[str]) -> RepoName | None:
    below = _after_host(text, _hubs(mirrors))
    name, _, query = (text if below is None else below).partition("?")
    parts = name.partition("#")[0].strip("/").split("/", 2)
    repo, _, quantisation = _unquoted("/".join(parts[:2])).partition(":")
    file = _FILE.match(parts[2]) if len(parts) == 3 else None
    # Below an address there may be other pages of the repository (`tree/main`); only files count.
    if below is None and (len(parts) != 2 or query or name != name.strip("/")):
        return None
    if not _REPO.match(repo) or parts[0] in _NOT_REPOS:
        return None
    file = file or _SHOWN_FILE.search(query)
    return RepoName(repo, quantisation.upper(), _unquoted(file["path"]) if file else "")


def _unquoted(text: str) -> str:
    """Without the escapes of addresses (RFC 3986, 2.1): `%2F` is a slash."""
    return _ESCAPES.sub(
        lambda run: bytes.fromhex(run[0].replace("%", "")).decode(errors="replace"), text
    )


def _is_ollamas(name: str) -> bool:
    """Whether a name without an address can only be one of Ollama's."""
    if not _OLLAMA.match(name) or _FILE_PATH.search(name):
        return False
    repo, _, tag = name.partition(":")
    if "/" not in repo or repo.startswith("library/"):
        return True
    return bool(tag) and not _QUANTISATION.match(tag)


def _hubs(mirrors: Iterable[str]) -> tuple[str, ...]:
    return (*_HUBS, *(_SCHEME.sub("", mirror).rstrip("/") for mirror in mirrors if mirror))


def _after_host(text: str, hosts: Iterable[str]) -> str | None:
    """What follows one of the hosts in an address; None where it is at another host."""
    bare = _SCHEME.sub("", text)
    for host in hosts:
        if bare.lower().startswith(f"{host.lower()}/"):
            return bare[len(host) + 1 :]
    return None


def _refused(text: str) -> UsageError:
    if _FILE_PATH.search(text.strip()) and not is_address(text):
        return UsageError(
            f"“{text}” is a file, not the name of a model.",
            "",
            "A file that is on this computer is opened, not downloaded.",
        )
    return UsageError(
        f"“{text}” is not the name of a model.",
        "",
        "Write AUTHOR/NAME or AUTHOR/NAME:VARIANT, copy its address from a web browser, or write "
        "a name of Ollama's (llama3.2:3b).",
    )
