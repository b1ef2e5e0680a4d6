"""The words after `lamplight quantize`."""

from __future__ import annotations

import argparse
import os

from app.cli.commands import Quantize
from app.domain.quantise import TARGETS, QuantiseRequest, result_name
from app.domain.variants import quality_of

_MOST_THREADS = 512


def quantize(parser: argparse.ArgumentParser, words: list[str]) -> Quantize:
    """What they ask for; ends the process with status 2 after wrong usage."""
    told = "; ".join(f"{target}: {quality_of(target)}" for target in TARGETS)
    parser.description = (
        "Make a smaller model of a GGUF file with 16-bit or 32-bit weights. The file itself stays "
        "as it is, and the result appears when it is whole."
    )
    parser.epilog = (
        f"From the best to the smallest: {told}. With --json each line is one event: progress, and "
        "at the end finished or failed. Ctrl+C removes what was written."
    )
    parser.add_argument("source", metavar="IN", help="a GGUF file; of a split model, any part")
    parser.add_argument("result", metavar="OUT", help="the file to make, or a folder for it")
    parser.add_argument("target", metavar="TYPE", type=_target, help=", ".join(TARGETS))
    parser.add_argument(
        "--threads", metavar="N", type=_threads, help="without it, one fewer than the cores"
    )
    parser.add_argument(
        "--requantize",
        action="store_true",
        help="also from a file that was made smaller before, at a loss of quality",
    )
    parser.add_argument("--replace", action="store_true", help="write over an OUT that is there")
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")
    found = parser.parse_args(words)
    source, result = os.path.abspath(found.source), os.path.abspath(found.result)
    if os.path.isdir(result):
        result = os.path.join(result, result_name(source, found.target))
    request = QuantiseRequest(
        source, result, found.target, found.threads, found.requantize, found.replace
    )
    return Quantize(found.profile, request, found.json)


def _target(word: str) -> str:
    if word.upper() not in TARGETS:
        raise argparse.ArgumentTypeError(f"“{word}” is none of {', '.join(TARGETS)}")
    return word.upper()


def _threads(word: str) -> int:
    if not (word.isascii() and word.isdigit() and 1 <= int(word) <= _MOST_THREADS):
        raise argparse.ArgumentTypeError(f"the threads must lie between 1 and {_MOST_THREADS}")
    return int(word)
