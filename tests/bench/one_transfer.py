"""`python -m tests.bench.one_transfer ADDRESS MODELS SIZE SHA256 CONNECTIONS finish|pause`.

Downloads one file and prints what it took. The seconds are those of the download: the start of the
interpreter, which the application has behind it, is in none of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import psutil

from app.domain.hub import RepoFile
from app.domain.transfer import TransferLimits, TransferPhase, TransferRequest
from app.hub.client import HubClient
from app.hub.endpoint import endpoint_at
from app.hub.transfers.queue import Queue
from tests.helpers.transfer_rig import OpenGate


async def main(words: list[str]) -> dict[str, float]:
    """Download, or pause when some of it has come; the figures."""
    address, models, size, digest, connections, then = words
    client = HubClient(endpoint_at(address), OpenGate(), lambda name: None)
    limits = TransferLimits(connections=int(connections))
    queue = Queue(Path(models), client, limits, lambda transfers: None)
    file = RepoFile("m.gguf", int(size), digest)
    began, processor = time.perf_counter(), time.process_time()
    transfer = await queue.add(TransferRequest("author/model", "c" * 40, "measured", (file,)))
    figures: dict[str, float] = {}
    memory = psutil.Process()
    most = 0
    while queue.snapshot()[0].phase is not TransferPhase.FINISHED:
        await asyncio.sleep(0.01)
        most = max(most, memory.memory_info().rss)
        if then == "pause" and queue.snapshot()[0].done_bytes > 10_000:
            asked = time.perf_counter()
            await queue.pause(transfer)
            figures["pause"] = time.perf_counter() - asked
            break
    figures |= {"seconds": time.perf_counter() - began, "memory": most}
    figures["processor"] = time.process_time() - processor
    await queue.close()
    await client.close()
    return figures


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1:]))))
