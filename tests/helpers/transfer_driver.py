"""`python -m tests.helpers.transfer_driver ADDRESS MODELS`: go on with what is in the journal.

A process that a test can kill. It ends by itself when nothing runs any more, and prints the phases.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.domain.transfer import TransferLimits
from app.hub.client import HubClient
from app.hub.endpoint import endpoint_at
from app.hub.transfers.queue import Queue
from tests.helpers.transfer_rig import ENDED, QUICK, OpenGate


async def main(address: str, models: Path) -> None:
    """One run of the application, without its window."""
    client = HubClient(endpoint_at(address), OpenGate(), lambda name: None)
    queue = Queue(models, client, TransferLimits(), lambda transfers: None, QUICK)
    await queue.load()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while any(each.phase not in ENDED for each in queue.snapshot()):
        await asyncio.sleep(0.01)
    sys.stdout.write(" ".join(each.phase for each in queue.snapshot()) + "\n")
    await queue.close()
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
