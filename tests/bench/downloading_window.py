"""The real application while it downloads, with a probe in its event loop.

`python -m tests.bench.downloading_window FILE SIZE SHA256` starts the window, downloads a file of
that size from HF_ENDPOINT, and writes what it found as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer

from app import bootstrap
from app.cli.commands import OpenWindow
from app.domain.facts import Fact, ModelPhase, ModelStateChanged, TransfersChanged
from app.domain.hub import RepoDetails, RepoFile, RepoSummary, Variant
from app.domain.transfer import TransferPhase
from tests.bench.driven_window import Lateness, Probe, close_all

if TYPE_CHECKING:
    from app.services import Services

_SETTLE_MS: Final = 1_000


class Driver(QObject):
    """Begins a download once the model is loaded, and listens to the services' facts."""

    def __init__(self, services: Services, report: Path, file: RepoFile) -> None:
        super().__init__()
        self._services = services
        self._report = report
        self._file = file
        self._late: Lateness = []
        self._probe = Probe(self)
        self._task: asyncio.Task[str] | None = None
        self._began = self._processor = 0.0
        self._ended = False
        services.facts.subscribe(self._heard)
        self._probe.start()

    def _heard(self, fact: Fact) -> None:
        match fact:
            case ModelStateChanged(state) if state.phase is ModelPhase.READY and not self._task:
                QTimer.singleShot(_SETTLE_MS, self._download)
            case TransfersChanged((transfer,)) if transfer.phase is TransferPhase.FAILED:
                raise RuntimeError(str(transfer.error))
            # The bytes are no model.
            case TransfersChanged((transfer,)) if transfer.phase is TransferPhase.UNUSABLE:
                self._write()
            case _:
                pass

    def _download(self) -> None:
        if self._task is not None:
            return
        variant = Variant("Q4_K_M", (self._file,))
        details = RepoDetails(RepoSummary("author/model"), "c" * 40, (variant,))
        self._began, self._processor = time.perf_counter(), time.process_time()
        self._probe.into = self._late
        self._task = asyncio.ensure_future(self._services.transfers.download(details, variant))

    def _write(self) -> None:
        if self._ended:
            return
        self._ended = True
        seconds = time.perf_counter() - self._began
        found = {
            "late": [late for late, _ in self._late],
            "bytes_per_second": self._file.size_bytes / seconds,
            "processor": (time.process_time() - self._processor) / seconds,
        }
        self._report.write_text(json.dumps(found), "utf-8")
        close_all()


def main() -> int:
    """Run the application with a driver in it; the exit status."""
    report, size, digest = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    drivers: list[Driver] = []
    start = bootstrap.Application.start_for_window

    async def start_driven(self: bootstrap.Application) -> Services:
        services = await start(self)
        drivers.append(Driver(services, report, RepoFile("m.gguf", size, digest)))
        return services

    bootstrap.Application.start_for_window = start_driven
    return bootstrap.run(OpenWindow())


if __name__ == "__main__":
    raise SystemExit(main())
