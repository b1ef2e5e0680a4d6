"""The words after `lamplight models` and `lamplight pull`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.cli import library_arguments
from app.cli.commands import CliCommand, Pull, SearchModels, ShowRepo
from app.domain.hub import RepoSort

if TYPE_CHECKING:
    import argparse

_NAME_HELP = "AUTHOR/NAME, AUTHOR/NAME:VARIANT, or an address copied from a web browser"


def models(
    parser: argparse.ArgumentParser,
    words: list[str],
    add_common: Callable[[argparse.ArgumentParser], None],
) -> CliCommand:
    """`models search` and `models show`; `add_common` adds what every command knows."""
    parser.description = (
        "Look for models on the hub (Hugging Face, or a mirror), and after those on this computer."
    )
    metavar = f"search|show|{library_arguments.ACTIONS}"
    actions = parser.add_subparsers(metavar=metavar, required=True, dest="action")
    search = actions.add_parser("search", help="find repositories", allow_abbrev=False)
    search.add_argument("query", metavar="QUERY", nargs="*", help="words in their names")
    search.add_argument(
        "--sort",
        choices=[sort.value for sort in RepoSort],
        default=RepoSort.TRENDING.value,
        help="what comes first",
    )
    show = actions.add_parser("show", help="tell what a repository holds", allow_abbrev=False)
    show.add_argument("name", metavar="NAME", help=_NAME_HELP)
    for action in (search, show, *library_arguments.add_to(actions.add_parser)):
        add_common(action)
    found = parser.parse_args(words)
    about_library = library_arguments.command_of(found)
    if about_library is not None:
        return about_library
    if found.action == "show":
        return ShowRepo(found.profile, found.name, found.json)
    return SearchModels(found.profile, " ".join(found.query), RepoSort(found.sort), found.json)


def pull(parser: argparse.ArgumentParser, words: list[str]) -> Pull:
    """`pull NAME`."""
    parser.description = "Download a model; interrupted, it goes on where it was the next time."
    parser.epilog = "With --json each line is one event: progress, and at the end finished."
    parser.add_argument("name", metavar="NAME", help=_NAME_HELP)
    found = parser.parse_args(words)
    return Pull(found.profile, found.name, found.json)
