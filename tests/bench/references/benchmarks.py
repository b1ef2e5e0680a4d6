"""llama.cpp's own measurements of a file: llama-bench and llama-batched-bench."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.bench.references.build import gently, program


def rate(
    path: Path,
    threads: int,
    *,
    prompt: int = 0,
    answer: int = 0,
    depth: int = 0,
    warm_up: bool = True,
    flash: bool = False,
) -> float:
    """llama-bench: tokens a second for reading `prompt` tokens, or for writing `answer` tokens.

    `depth` tokens are in the context before: attention costs more the further a text has come (on
    the starter model a token takes a fifth longer after 50 tokens than at the start). The warm-up
    does the whole work once before. Without `flash` attention, as the engine on a processor.
    """
    counts = ["-p", str(prompt), "-n", str(answer), "-d", str(depth)]
    command = [str(program("llama-bench")), "-m", str(path), "-t", str(threads), *counts]
    command += ["-r", "1", "-fa", str(int(flash)), "-ngl", "0", "-o", "json"]
    if not warm_up:
        command.append("--no-warmup")
    return float(json.loads(_output(command))[0]["avg_ts"])


def together(
    path: Path, threads: int, counts: Sequence[int], *, prompt: int, answer: int
) -> dict[int, float]:
    """llama-batched-bench: all tokens a second, with so many answers at once in one cache; each of
    `answer` tokens after its own prompt, whose reading is left out."""
    most = max(counts) * (prompt + answer)
    command = [str(program("llama-batched-bench")), "-m", str(path), "-ngl", "0"]
    command += ["-t", str(threads), "-tb", str(threads), "-fa", "off", "-kvu", "-c", str(most)]
    command += ["-npp", str(prompt), "-ntg", str(answer), "-npl", ",".join(map(str, counts))]
    command += ["--output-format", "jsonl"]
    lines = [line for line in _output(command).splitlines() if line.startswith("{")]
    found = [json.loads(line) for line in lines]
    return {row["pl"]: float(row["speed_tg"]) for row in found}


def _output(command: list[str]) -> str:
    done = subprocess.run(gently(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError("\n".join([" ".join(command), *done.stderr.splitlines()[-10:]]))
    return done.stdout
