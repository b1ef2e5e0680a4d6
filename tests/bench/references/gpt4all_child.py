"""Runs in the environment of the package `gpt4all`: answers questions that come as JSON lines.

    python gpt4all_child.py FILE THREADS CONTEXT

The package keeps the conversation itself: a question that goes on with the last one reads only what
is new. It takes no seed. llama.cpp's remarks go to standard output and are kept off it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

_BATCH = 128
"""Its desktop application's own; the package's default of 8 is made for little memory."""
_TEMPLATE = "<|im_start|>user\n{0}<|im_end|>\n<|im_start|>assistant\n{1}<|im_end|>\n"


class Talk:
    """A conversation as the package keeps it."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded
        self._session = ExitStack()
        self._said: list[dict[str, str]] = []

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Go on if the question does, or begin anew."""
        messages: list[dict[str, str]] = question["messages"]
        if not self._said or messages[: len(self._said)] != self._said:
            self._begin()
        new = "\n".join(message["content"] for message in messages[len(self._said) :])
        times: list[float] = []
        began = time.perf_counter()

        def heard(_token: int, _text: str) -> bool:
            times.append(time.perf_counter())
            return True

        text = self._loaded.generate(
            new,
            max_tokens=question["max_tokens"],
            temp=question["temperature"],
            top_k=question["top_k"],
            top_p=question["top_p"],
            min_p=question["min_p"],
            repeat_penalty=1.0,
            n_batch=_BATCH,
            callback=heard,
        )
        self._said = [*messages, {"role": "assistant", "content": text}]
        return {
            "text": text,
            "first_seconds": (times[0] if times else time.perf_counter()) - began,
            "decode_rate": _rate(times),
        }

    def _begin(self) -> None:
        self._session.close()
        self._said = []
        self._session.enter_context(self._loaded.chat_session("", _TEMPLATE))


def _rate(times: list[float]) -> float:
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def main() -> None:
    """Tell the version, then answer until the input ends."""
    path, threads, context = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    gpt4all: Any = importlib.import_module("gpt4all")
    loaded = gpt4all.GPT4All(
        path.name,
        model_path=str(path.parent),
        allow_download=False,
        n_threads=threads,
        device="cpu",
        n_ctx=context,
    )
    _tell(out, {"version": importlib.metadata.version("gpt4all")})
    talk = Talk(loaded)
    for line in sys.stdin:
        _tell(out, talk.answer(json.loads(line)))


def _tell(out: TextIO, value: dict[str, Any]) -> None:
    print(json.dumps(value), file=out, flush=True)


if __name__ == "__main__":
    main()
