"""From the words on the command line to what is asked for.

Usage errors end the process with status 2 and a sentence, as `argparse` does. argparse itself is
imported only when there are words, because `lamplight` alone must show its window at once.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn, TypeVar

from app import __version__
from app.cli import fit_arguments, hub_arguments
from app.cli.commands import (
    INTERRUPTED,
    Cache,
    Chat,
    CliCommand,
    Command,
    Doctor,
    ListConversations,
    OpenWindow,
    SearchConversations,
    ShowConversation,
)
from app.domain.generation import EFFORTS
from app.domain.overflow import Overflow

if TYPE_CHECKING:
    import argparse

N = TypeVar("N", int, float)

_POLICIES: Final = {policy.value.replace("_", "-"): policy for policy in Overflow}
_MAX_SEED: Final = (1 << 32) - 1
_MAX_TOKENS: Final = 1_000_000
_MAX_TOP_K: Final = 1_000_000

_SUMMARY: Final = """\
usage: lamplight [--profile DIR] [FILE.gguf ...]
       lamplight [--profile DIR] COMMAND ...
       lamplight --help | --version

Chat with language models that live on your own computer.

Without a command the window opens, with the model FILE.gguf if one is named.

commands:
  chat                    answer one prompt in the terminal; nothing is kept
  conversations list      list the conversations, the latest first
  conversations show ID   print one conversation
  conversations search Q  find messages with all of these words
  models search QUERY     look for models on the hub (Hugging Face, or a mirror)
  models show NAME        tell what a repository holds, and what fits here
  pull NAME               download a model: AUTHOR/NAME, AUTHOR/NAME:VARIANT,
                          or through Ollama a name of Ollama's (llama3.2:3b)
  fit NAME|PATH           tell what a model takes of this machine's memory
  quantize IN OUT TYPE    make a smaller model of a GGUF file
  bench                   measure how fast a model is on this machine
  cache [clear]           tell how much is kept on disk of what models have read
  doctor                  tell versions, paths, devices and the state of the data

options:
  --profile DIR           keep everything (data, settings, logs) in DIR;
                          the environment variable LAMPLIGHT_HOME does the same
  --version               print the version
  -h, --help              print this; "lamplight COMMAND --help" tells more

exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted
"""


def parse(words: list[str], stdin: BinaryIO | None = None) -> Command:
    """What the words ask for; reads the prompt from `stdin` (the process's own) if need be.

    Raises `SystemExit`: 0 after `--help` and `--version`, 2 after wrong usage.
    """
    if not words:
        return OpenWindow()
    import argparse

    top = argparse.ArgumentParser(
        prog="lamplight", usage=argparse.SUPPRESS, add_help=False, allow_abbrev=False
    )
    top.add_argument("--profile")
    top.add_argument("--version", action="version", version=f"Lamplight {__version__}")
    top.add_argument("-h", "--help", action="store_true")
    top.add_argument("words", nargs=argparse.REMAINDER)
    found = top.parse_args(words)
    if found.help:
        print(_SUMMARY, end="")
        raise SystemExit(0)
    rest: list[str] = found.words
    match rest[:1]:
        case ["chat"]:
            return _chat(_parser("chat", found.profile), rest[1:], stdin)
        case ["bench"]:
            from app.cli.bench_arguments import bench

            return bench(_parser("bench", found.profile), rest[1:])
        case ["conversations"]:
            return _conversations(rest[1:], found.profile)
        case ["cache"]:
            return _cache(_parser("cache", found.profile), rest[1:])
        case ["models" | "pull" | "fit" | "quantize"]:
            return _about_models(rest, found.profile)
        case ["doctor"]:
            parser = _parser("doctor", found.profile)
            parser.description = "Tell versions, paths, devices and the state of the data."
            _add_json(parser, "print one JSON object")
            options = parser.parse_args(rest[1:])
            return Doctor(options.profile, options.json)
        case _:
            return _window(top, rest, found.profile)


def _about_models(words: list[str], profile: str | None) -> CliCommand:
    """Getting models, and making others of them."""
    parser = _parser(words[0], profile)
    match words[0]:
        case "models":
            return hub_arguments.models(parser, words[1:], _add_to_action)
        case "pull":
            _add_json(parser, "print events, one JSON object a line")
            return hub_arguments.pull(parser, words[1:])
        case "fit":
            _add_json(parser, "print one JSON object")
            return fit_arguments.fit(parser, words[1:], _load_number("context_length"))
        case _:
            from app.cli.quantize_arguments import quantize

            return quantize(parser, words[1:])


def _window(top: argparse.ArgumentParser, words: list[str], profile: str | None) -> OpenWindow:
    parser = _parser(None, profile)
    parser.add_argument("files", nargs="*")
    found = parser.parse_args(words)
    files = tuple(os.path.abspath(file) for file in found.files)
    for word, file in zip(found.files, files, strict=True):
        # A file that is gone is for the window to tell; a word that names none is a slip.
        if not file.lower().endswith(".gguf") and not os.path.exists(file):
            top.error(f"“{word}” is neither a command nor a file; try “lamplight --help”")
    return OpenWindow(found.profile, files)


def _chat(parser: argparse.ArgumentParser, words: list[str], stdin: BinaryIO | None) -> Chat:
    parser.description = "Answer one prompt in the terminal. Nothing of it is kept."
    parser.epilog = (
        "With --json each line is one event: prompt_progress, delta, and at the end exactly one "
        "finished or failed."
    )
    parser.add_argument(
        "prompt", nargs="?", help="what to ask; “-”, or nothing and a pipe, reads the input"
    )
    parser.add_argument(
        "--model",
        metavar="PATH|starter",
        help="a GGUF file, or the starter model; without it, the model chosen in the window",
    )
    parser.add_argument("--system", metavar="S", help="told to the model before the prompt")
    parser.add_argument(
        "--temperature", metavar="T", type=_temperature, help="0 (the likeliest) to 5 (wild)"
    )
    _add_choice(parser)
    parser.add_argument("--seed", metavar="N", type=_seed, help="the same seed repeats an answer")
    parser.add_argument(
        "--max-tokens", metavar="N", type=_max_tokens, help="end the answer after N tokens"
    )
    _add_load(parser)
    _add_thinking(parser)
    _add_json(parser, "print events, one JSON object a line")
    found = parser.parse_args(words)
    return Chat(
        profile=found.profile,
        prompt=_prompt(parser, found.prompt, stdin),
        model=found.model,
        system=None if found.system is None else _text(found.system),
        temperature=found.temperature,
        top_k=found.top_k,
        top_p=found.top_p,
        min_p=found.min_p,
        stop=tuple(_text(word) for word in found.stop),
        json_schema=found.json_schema or "",
        grammar=found.grammar or "",
        overflow=None if found.overflow is None else _POLICIES[found.overflow],
        thinking=found.think,
        effort=found.effort or "",
        seed=found.seed,
        max_tokens=found.max_tokens,
        context=found.context,
        gpu_layers=found.gpu_layers,
        threads=found.threads,
        kv_type=found.kv_type,
        draft=None if found.draft is None else os.path.abspath(found.draft),
        json=found.json,
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    """How the model is loaded, in place of its settings."""
    from app.domain.fit import CACHE_TYPES
    from app.domain.load_params import AUTOMATIC

    parser.add_argument(
        "--context", metavar="N", type=_load_number("context_length"), help="tokens it can see"
    )
    parser.add_argument(
        "--gpu-layers",
        metavar="N",
        type=_load_number("gpu_layers"),
        help="layers on a graphics processor; 0: none",
    )
    parser.add_argument(
        "--threads", metavar="N", type=_load_number("threads"), help="processor cores that compute"
    )
    parser.add_argument(
        "--kv-type",
        metavar="TYPE",
        choices=(AUTOMATIC, *CACHE_TYPES),
        help=f"how exactly the context is kept: {', '.join(CACHE_TYPES)}",
    )
    parser.add_argument(
        "--draft", metavar="FILE", help="a small GGUF model of the same family that guesses ahead"
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """What narrows the choice of words, and where the answer ends."""
    parser.add_argument(
        "--top-k", metavar="N", type=_top_k, help="keep the N likeliest tokens; 0 keeps all"
    )
    parser.add_argument(
        "--top-p", metavar="P", type=_share, help="keep the likeliest tokens up to this sum"
    )
    parser.add_argument(
        "--min-p", metavar="P", type=_share, help="drop tokens below this share of the best"
    )
    parser.add_argument(
        "--stop",
        metavar="TEXT",
        type=_stop,
        action="append",
        default=[],
        help="end the answer at this text; may be given several times",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json-schema",
        metavar="FILE",
        type=_file,
        help="the answer is JSON of the schema in this file",
    )
    form.add_argument(
        "--grammar",
        metavar="FILE",
        type=_file,
        help="the answer follows the GBNF grammar in this file",
    )


def _add_thinking(parser: argparse.ArgumentParser) -> None:
    """What a chat template may be told, and what to do when the context is full."""
    from argparse import BooleanOptionalAction

    parser.add_argument(
        "--think",
        action=BooleanOptionalAction,
        help="let the model think before it answers, or not, where its chat template knows that",
    )
    parser.add_argument(
        "--effort", choices=EFFORTS, help="how much to think, where its chat template knows that"
    )
    parser.add_argument(
        "--overflow",
        choices=_POLICIES,
        help="when the context is full: stop, drop the oldest of it and go on, "
        "or keep the first exchange as well",
    )


def _prompt(parser: argparse.ArgumentParser, word: str | None, stdin: BinaryIO | None) -> str:
    if word is not None and word != "-":
        prompt = _text(word)
    else:
        source = stdin or sys.stdin.buffer
        if word is None and source.isatty():
            parser.error("there is no prompt: write it in quotes, or “-” to type it")
        try:
            prompt = source.read().decode("utf-8", "replace").rstrip("\r\n")
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
    if not prompt.strip():
        parser.error("the prompt is empty")
    return prompt


def _conversations(words: list[str], profile: str | None) -> CliCommand:
    parser = _parser("conversations", profile)
    parser.description = "Look at the conversations that are kept."
    actions = parser.add_subparsers(metavar="list|show|search", required=True, dest="action")
    every = actions.add_parser("list", help="list them, the latest first", allow_abbrev=False)
    one = actions.add_parser("show", help="print one of them", allow_abbrev=False)
    one.add_argument("id", metavar="ID", type=_id, help="its number in the list")
    found_by = actions.add_parser("search", help="find messages", allow_abbrev=False)
    found_by.add_argument("query", metavar="QUERY", nargs="+", help="words that must all occur")
    for action in (every, one, found_by):
        _add_to_action(action)
    found = parser.parse_args(words)
    match found.action:
        case "show":
            return ShowConversation(found.profile, found.id, found.json)
        case "search":
            return SearchConversations(found.profile, _text(" ".join(found.query)), found.json)
        case _:
            return ListConversations(found.profile, found.json)


def _cache(parser: argparse.ArgumentParser, words: list[str]) -> Cache:
    parser.description = (
        "Tell how much is kept on disk of what models have read, so that they can go on with a "
        "conversation without reading it again; or remove it."
    )
    parser.add_argument("action", nargs="?", choices=["clear"], help="remove it")
    _add_json(parser, "print one JSON object")
    found = parser.parse_args(words)
    return Cache(found.profile, found.action == "clear", found.json)


def _parser(command: str | None, profile: str | None) -> argparse.ArgumentParser:
    import argparse

    prog = f"lamplight {command}" if command else "lamplight"
    parser = argparse.ArgumentParser(prog=prog, allow_abbrev=False)
    _add_profile(parser, profile)
    return parser


def _add_to_action(action: argparse.ArgumentParser) -> None:
    import argparse

    # Suppressed without a value, so that it does not undo what stood before the action.
    _add_profile(action, argparse.SUPPRESS)
    _add_json(action, "print JSON")


def _add_profile(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--profile", metavar="DIR", default=default, help="keep everything in DIR")


def _add_json(parser: argparse.ArgumentParser, help_text: str) -> None:
    parser.add_argument("--json", action="store_true", help=help_text)


def _temperature(word: str) -> float:
    value = _number(word, float)
    if not (math.isfinite(value) and 0 <= value <= 5):
        _refuse("the temperature must lie between 0 and 5")
    return value


def _top_k(word: str) -> int:
    value = _number(word, int)
    if not 0 <= value <= _MAX_TOP_K:
        _refuse(f"top-k must lie between 0 and {_MAX_TOP_K}")
    return value


def _share(word: str) -> float:
    value = _number(word, float)
    if not 0 <= value <= 1:
        _refuse("this must lie between 0 and 1")
    return value


def _stop(word: str) -> str:
    if not word:
        _refuse("a text to stop at must not be empty")
    return word


def _file(word: str) -> str:
    try:
        text = Path(word).read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        _refuse(f"“{word}” cannot be read: {reason}")
    if not text.strip():
        _refuse(f"“{word}” is empty")
    return text


def _load_number(name: str) -> Callable[[str], int]:
    """A whole number within the bounds of that load setting."""

    def read(word: str) -> int:
        from app.domain.load_params import LoadParams

        metadata = next(field for field in fields(LoadParams) if field.name == name).metadata
        value = _number(word, int)
        if not metadata["low"] <= value <= metadata["high"]:
            _refuse(f"this must lie between {metadata['low']:,} and {metadata['high']:,}")
        return value

    return read


def _seed(word: str) -> int:
    value = _number(word, int)
    if not 0 <= value <= _MAX_SEED:
        _refuse(f"the seed must lie between 0 and {_MAX_SEED}")
    return value


def _max_tokens(word: str) -> int:
    value = _number(word, int)
    if not 1 <= value <= _MAX_TOKENS:
        _refuse(f"the number of tokens must lie between 1 and {_MAX_TOKENS}")
    return value


def _id(word: str) -> int:
    value = _number(word, int)
    if not 1 <= value < 1 << 63:
        _refuse("a conversation's number is 1 or more; “lamplight conversations list” tells them")
    return value


def _number(word: str, kind: type[N]) -> N:
    try:
        return kind(word)
    except ValueError:
        _refuse(f"“{word}” is not a number")


def _refuse(sentence: str) -> NoReturn:
    import argparse

    raise argparse.ArgumentTypeError(sentence)


def _text(word: str) -> str:
    """An argument for a model to read: bytes that the locale did not know are UTF-8."""
    errors = sys.getfilesystemencodeerrors()
    return word.encode("utf-8", errors).decode("utf-8", "replace")
