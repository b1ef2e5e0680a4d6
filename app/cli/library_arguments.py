"""The words after `lamplight models` that are about the models on this computer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.cli.commands import (
    CliCommand,
    FindDuplicates,
    ImportModels,
    ListModels,
    RemoveModel,
    VerifyModel,
)
from app.domain.library import ImportWay

if TYPE_CHECKING:
    import argparse

ACTIONS = "list|import|verify|remove|duplicates"
_MODEL_HELP = "its name in the list, the beginning of it, or the path of its file"


def add_to(add: Callable[..., argparse.ArgumentParser]) -> tuple[argparse.ArgumentParser, ...]:
    """Add these actions with argparse's `add_parser`; their parsers."""
    every = add("list", help="list what is on this computer", allow_abbrev=False)
    bring = add("import", help="add files or folders", allow_abbrev=False)
    bring.add_argument("paths", metavar="PATH", nargs="+", help="GGUF files, or folders with some")
    way = bring.add_mutually_exclusive_group()
    way.add_argument("--move", action="store_true", help="move them in place of copying")
    way.add_argument("--in-place", action="store_true", help="use them where they lie")
    verify = add("verify", help="compare one with its hash", allow_abbrev=False)
    remove = add("remove", help="put one into the trash", allow_abbrev=False)
    for action in (verify, remove):
        action.add_argument("model", metavar="MODEL", help=_MODEL_HELP)
    same = add("duplicates", help="find the same model in several places", allow_abbrev=False)
    return every, bring, verify, remove, same


def command_of(found: argparse.Namespace) -> CliCommand | None:
    """What was asked for; None where it is another action."""
    match found.action:
        case "list":
            return ListModels(found.profile, found.json)
        case "import":
            way = ImportWay.MOVE if found.move else ImportWay.COPY
            way = ImportWay.IN_PLACE if found.in_place else way
            paths = tuple(os.path.abspath(path) for path in found.paths)
            return ImportModels(found.profile, paths, way, found.json)
        case "verify":
            return VerifyModel(found.profile, _model(found.model), found.json)
        case "remove":
            return RemoveModel(found.profile, _model(found.model), found.json)
        case "duplicates":
            return FindDuplicates(found.profile, found.json)
        case _:
            return None


def _model(word: str) -> str:
    """A path is made absolute; a name stays."""
    return os.path.abspath(word) if os.path.exists(word) else word
