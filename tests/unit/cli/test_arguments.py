"""Words to commands; wrong usage ends with status 2 and a sentence."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import __version__
from app.cli.arguments import parse
from app.cli.commands import (
    Bench,
    Chat,
    Command,
    Doctor,
    ListConversations,
    OpenWindow,
    Pull,
    SearchConversations,
    SearchModels,
    ShowConversation,
    ShowRepo,
)
from app.domain.benchmark import BenchPlan
from app.domain.hub import RepoSort
from app.domain.overflow import Overflow

HERE = Path.cwd()

UNDERSTOOD: list[tuple[str, Command]] = [
    ("", OpenWindow()),
    ("--profile p", OpenWindow("p")),
    ("a.gguf", OpenWindow(None, (str(HERE / "a.gguf"),))),
    ("a.GGUF b.gguf", OpenWindow(None, (str(HERE / "a.GGUF"), str(HERE / "b.gguf")))),
    ("--profile p a.gguf", OpenWindow("p", (str(HERE / "a.gguf"),))),
    ("a.gguf --profile=p", OpenWindow("p", (str(HERE / "a.gguf"),))),
    ("chat hi", Chat(None, "hi")),
    ("chat hi --model starter --json", Chat(None, "hi", "starter", json=True)),
    ("chat --system S hi --model m.gguf", Chat(None, "hi", "m.gguf", system="S")),
    ("--profile p chat hi", Chat("p", "hi")),
    ("chat --profile p hi", Chat("p", "hi")),
    ("--profile q chat --profile p hi", Chat("p", "hi")),
    ("chat hi --temperature 0 --seed 0", Chat(None, "hi", temperature=0.0, seed=0)),
    ("chat hi --top-k 5 --top-p .9 --min-p 0", Chat(None, "hi", top_k=5, top_p=0.9, min_p=0.0)),
    ("chat hi --stop a --stop b", Chat(None, "hi", stop=("a", "b"))),
    ("chat hi --max-tokens 5", Chat(None, "hi", max_tokens=5)),
    ("chat hi --context 4096 --threads 3", Chat(None, "hi", context=4096, threads=3)),
    ("chat hi --gpu-layers 0", Chat(None, "hi", gpu_layers=0)),
    ("chat hi --kv-type q8_0", Chat(None, "hi", kv_type="q8_0")),
    ("chat hi --draft small.gguf", Chat(None, "hi", draft=os.path.abspath("small.gguf"))),
    ("chat -- --model", Chat(None, "--model")),
    ("conversations list", ListConversations(None)),
    ("--profile p conversations list --json", ListConversations("p", json=True)),
    ("conversations --profile p list", ListConversations("p")),
    ("conversations list --profile p", ListConversations("p")),
    ("conversations show 12", ShowConversation(None, 12)),
    ("conversations show 12 --json", ShowConversation(None, 12, json=True)),
    ("conversations search two words", SearchConversations(None, "two words")),
    ("conversations search w --json", SearchConversations(None, "w", json=True)),
    ("bench", Bench(None)),
    ("bench --model starter --json --profile p", Bench("p", "starter", json=True)),
    (
        "bench --depths 4096,0,4096 --repeat 5 --full --try-threads",
        Bench(None, plan=BenchPlan((0, 4096), repeats=5, seconds=0.0, try_threads=True)),
    ),
    ("models search two words", SearchModels(None, "two words")),
    ("models search", SearchModels(None, "")),
    ("models search w --sort likes --json", SearchModels(None, "w", RepoSort.LIKES, json=True)),
    ("--profile p models show a/b:Q4_0", ShowRepo("p", "a/b:Q4_0")),
    ("pull a/b --json --profile p", Pull("p", "a/b", json=True)),
    ("doctor", Doctor(None)),
    ("doctor --json --profile p", Doctor("p", json=True)),
]


@pytest.mark.parametrize(("line", "command"), UNDERSTOOD)
def test_understood(line: str, command: Command) -> None:
    assert parse(line.split()) == command


WRONG = [
    ("chatt", "“chatt” is neither a command nor a file"),
    ("--bogus", "--bogus"),
    ("--profile", "expected one argument"),
    ("--prof p", "--prof"),
    ("chat hi there", "there"),
    ("chat hi --tempera 1", "--tempera"),
    ("chat hi --temperature hot", "“hot” is not a number"),
    ("chat hi --temperature nan", "between 0 and 5"),
    ("chat hi --temperature 5.1", "between 0 and 5"),
    ("chat hi --seed -1", "seed"),
    ("chat hi --seed 4294967296", "between 0 and 4294967295"),
    ("chat hi --seed 1.5", "“1.5” is not a number"),
    ("chat hi --top-k -1", "top-k must lie between"),
    ("chat hi --top-p 1.1", "between 0 and 1"),
    ("chat hi --min-p nan", "between 0 and 1"),
    ("chat hi --stop=", "must not be empty"),
    ("chat hi --grammar no-such-file", "“no-such-file” cannot be read: No such file"),
    ("chat hi --json-schema .", "cannot be read"),
    ("chat hi --grammar a --json-schema b", "cannot be read"),
    ("chat hi --max-tokens 0", "between 1 and"),
    ("chat hi --max-tokens 1000001", "between 1 and"),
    ("chat hi --context 63", "between 64 and 10,000,000"),
    ("chat hi --threads 100000", "between 1 and 512"),
    ("chat hi --gpu-layers -1", "between 0 and 1,024"),
    ("chat hi --kv-type q9_9", "q9_9"),
    ("conversations", "list|show|search"),
    ("conversations burn", "burn"),
    ("conversations show", "ID"),
    ("conversations show x", "“x” is not a number"),
    ("conversations show 0", "1 or more"),
    ("conversations search", "QUERY"),
    ("models", "search|show"),
    ("models search w --sort beauty", "beauty"),
    ("models show", "NAME"),
    ("pull", "NAME"),
    ("pull a/b c/d", "c/d"),
    ("doctor house", "house"),
    ("bench fast", "fast"),
    ("bench --depths 1,x", "“x” is not a number"),
    ("bench --depths 0,1000001", "between 0 and 1000000"),
    ("bench --depths=-1", "between 0 and"),
    ("bench --repeat 0", "between 1 and 20"),
    ("bench --repeat 21", "between 1 and 20"),
]


@pytest.mark.parametrize(("line", "sentence"), WRONG)
def test_wrong_usage(line: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(line.split())
    assert caught.value.code == 2
    written = capsys.readouterr()
    assert sentence in written.err
    assert written.out == ""
    assert "SUPPRESS" not in written.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--version", f"Lamplight {__version__}"),
        ("--help", "commands:"),
        ("-h", "LAMPLIGHT_HOME"),
        ("chat --help", "--max-tokens N"),
        ("conversations --help", "list|show|search"),
        ("conversations show --help", "ID"),
        ("models --help", "search|show"),
        ("pull --help", "AUTHOR/NAME"),
        ("doctor --help", "--json"),
        ("bench --help", "--depths N,N"),
    ],
)
def test_help_and_version(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(line.split())
    assert caught.value.code == 0
    assert words in capsys.readouterr().out


def test_an_existing_file_of_any_name_opens_in_the_window(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.touch()
    assert parse([str(path)]) == OpenWindow(None, (str(path),))


# ------------------------------------------------------------------------- prompt from the input


class Terminal(io.BytesIO):
    """An input at which a person sits."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("words", [["chat"], ["chat", "-"]])
def test_the_prompt_comes_from_a_pipe(words: list[str]) -> None:
    stdin = io.BytesIO("Zwei\nZeilen ü\n".encode())
    assert parse(words, stdin) == Chat(None, "Zwei\nZeilen ü")


def test_a_pipe_that_is_no_utf8_is_read_all_the_same() -> None:
    assert parse(["chat"], io.BytesIO(b"a\xffb")) == Chat(None, "a\N{REPLACEMENT CHARACTER}b")


def test_a_prompt_in_words_leaves_the_pipe_alone() -> None:
    stdin = io.BytesIO(b"not this")
    assert parse(["chat", "this"], stdin) == Chat(None, "this")
    assert stdin.tell() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="arguments are text there")
def test_a_prompt_that_the_locale_did_not_know_is_utf8() -> None:
    assert parse(["chat", "\udcc3\udcbcber \udcff"]) == Chat(None, "über \N{REPLACEMENT CHARACTER}")


def test_at_a_terminal_a_prompt_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["chat"], Terminal(b"typed"))
    assert caught.value.code == 2
    assert "there is no prompt" in capsys.readouterr().err


def test_at_a_terminal_a_dash_reads_what_is_typed() -> None:
    assert parse(["chat", "-"], Terminal(b"typed\n")) == Chat(None, "typed")


@pytest.mark.parametrize("words", [["chat", ""], ["chat", "  "], ["chat", "-"]])
def test_an_empty_prompt_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words, io.BytesIO(b"\n"))
    assert caught.value.code == 2


class Interrupted(io.BytesIO):
    """Ctrl+C comes while the input is read."""

    def read(self, size: int | None = -1) -> bytes:
        raise KeyboardInterrupt


def test_ctrl_c_while_typing_the_prompt() -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["chat", "-"], Interrupted())
    assert caught.value.code == 130


def test_the_window_is_not_delayed_by_argparse() -> None:
    code = "import sys; from app.cli.arguments import parse; parse([]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE
    )
    heavy = {"argparse", "app.services", "app.cli.run", "json", "asyncio"}
    assert not heavy & set(done.stdout.split())


def test_the_form_of_the_answer_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "form"
    file.write_text('root ::= "ü"', "utf-8")
    assert parse(["chat", "hi", "--grammar", str(file)]) == Chat(None, "hi", grammar='root ::= "ü"')
    given = parse(["chat", "hi", "--json-schema", str(file)])
    assert given == Chat(None, "hi", json_schema='root ::= "ü"')


@pytest.mark.parametrize(("content", "sentence"), [(b"\xff", "not text in UTF-8"), (b" ", "empty")])
def test_a_file_without_a_form_is_wrong_usage(
    content: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "form"
    file.write_bytes(content)
    with pytest.raises(SystemExit):
        parse(["chat", "hi", "--grammar", str(file)])
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("--think", {"thinking": True}),
        ("--no-think --effort low", {"thinking": False, "effort": "low"}),
        ("--overflow stop", {"overflow": Overflow.STOP}),
        ("--overflow drop-oldest", {"overflow": Overflow.DROP_OLDEST}),
        ("--overflow keep-ends", {"overflow": Overflow.KEEP_ENDS}),
    ],
)
def test_thinking_and_the_policy(words: str, changes: dict[str, Any]) -> None:
    assert parse(["chat", "hi", *words.split()]) == Chat(None, "hi", **changes)


@pytest.mark.parametrize("words", ["--effort some", "--overflow summarise"])
def test_an_unknown_effort_or_policy_is_wrong_usage(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(["chat", "hi", *words.split()])
    assert "invalid choice" in capsys.readouterr().err
