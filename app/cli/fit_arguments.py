"""The words after `lamplight fit`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.cli.commands import TellFit
from app.domain.repo_name import is_address

if TYPE_CHECKING:
    import argparse


def fit(parser: argparse.ArgumentParser, words: list[str], length: Callable[[str], int]) -> TellFit:
    """`fit NAME|PATH`; `length` reads a context length."""
    parser.description = "Tell what a model takes of this machine's memory, before it is loaded."
    parser.epilog = "Of a model that is not on this computer only the header is read."
    parser.add_argument(
        "model",
        metavar="NAME|PATH",
        help="a GGUF file, AUTHOR/NAME, AUTHOR/NAME:VARIANT, an address, or what Ollama has",
    )
    parser.add_argument(
        "--ctx",
        metavar="N",
        type=length,
        help="tokens of the context; without it, what would be chosen",
    )
    found = parser.parse_args(words)
    named: str = found.model
    is_file = os.path.exists(named) or (named.lower().endswith(".gguf") and not is_address(named))
    return TellFit(found.profile, named, is_file, found.ctx, found.json)
