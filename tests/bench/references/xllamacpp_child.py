"""Runs in the environment of the package `xllamacpp`: answers questions that come as JSON lines.

python xllamacpp_child.py FILE THREADS CONTEXT
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import time
from typing import Any


def main() -> None:
    """Tell the version, then answer until the input ends."""
    path, threads, context = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = context
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    params.kv_unified = True
    server = xllamacpp.Server(params)
    _tell({"version": importlib.metadata.version("xllamacpp")})
    for line in sys.stdin:
        _tell(_answer(server, json.loads(line)))


def _answer(server: Any, question: dict[str, Any]) -> dict[str, Any]:
    pieces: list[str] = []
    first: list[float] = []
    rates: list[float] = [0.0]
    began = time.perf_counter()

    def heard(chunk: Any) -> None:
        for one in chunk if isinstance(chunk, list) else [chunk]:
            choices = one.get("choices") or [{}]
            text = choices[0].get("delta", {}).get("content") or ""
            if text:
                first.append(time.perf_counter() - began)
                pieces.append(text)
            rates.append(one.get("timings", {}).get("predicted_per_second", rates[-1]))

    server.handle_chat_completions(question, heard)
    return {
        "text": "".join(pieces),
        "first_seconds": first[0] if first else time.perf_counter() - began,
        "decode_rate": rates[-1],
    }


def _tell(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
