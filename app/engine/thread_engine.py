"""`ThreadEngine`: the engine in this process. A fault in native code ends the application with it.

    engine = ThreadEngine()

All methods belong to the thread of the running event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from typing import TypeVar

from app.domain.benchmark import BenchEvent, BenchRequest
from app.domain.errors import AppError
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    CountRequest,
    GenerateEvent,
    GenerateRequest,
    LoadedInfo,
    LoadEvent,
    LoadRequest,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.placement import Device
from app.engine.jobs import (
    BenchJob,
    CountJob,
    DescribeJob,
    DevicesJob,
    DryRunJob,
    Facts,
    ForgetJob,
    GenerateJob,
    LoadJob,
)
from app.engine.kept.folder import Keeping
from app.engine.kept.from_outside import KeptFromOutside
from app.engine.refusal import not_loaded
from app.engine.requests import Event, Requests
from app.engine.worker import Worker

T = TypeVar("T")


class ThreadEngine:
    """One model in a worker thread (see `app.engine.pool`)."""

    def __init__(self, keeping: Callable[[], Keeping | None] = lambda: None) -> None:
        """`keeping` is asked at each load where conversations are kept that leave the memory."""
        self._kept = KeptFromOutside(keeping)
        self._requests = Requests()
        self._worker: Worker | None = None
        self._closing = False

    @property
    def loaded(self) -> LoadedInfo | None:
        """What is loaded now."""
        return self._requests.loaded

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked has not ended."""
        return self._requests.is_busy

    @property
    def only_measures(self) -> bool:
        """Whether all that has not ended is a measurement."""
        return self._requests.only_measures

    async def idle(self) -> None:
        """Wait until nothing runs that was asked."""
        await self._requests.idle()

    def warm(self) -> None:
        """Be ready soon."""
        if not self._closing:
            self._started()

    def load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """Unload what is loaded and load this; ends with `Loaded`, `LoadCancelled` or `Failed`."""
        stream = self._requests.open_load(request)
        teller = self._teller(request.request_id)
        self._ask(LoadJob(request, teller, self._kept.keeping()))
        return stream

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """Answer; ends with `Finished` or `Failed`."""
        stream = self._requests.open_generate(request)
        self._ask(GenerateJob(request, self._teller(request.request_id)))
        return stream

    def benchmark(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]:
        """Measure; ends with `Benchmarked`, `BenchCancelled` or `Failed`."""
        stream = self._requests.open_bench(request)
        self._ask(BenchJob(request, self._teller(request.request_id)))
        return stream

    def _ask(self, job: LoadJob | GenerateJob | BenchJob) -> None:
        if self._closing:
            # Nothing is begun any more: the request ends as cancelled.
            self._requests.end_cancelled(job.request_id)
        else:
            self._started().put(job)

    def cancel(self, request_id: str) -> None:
        """End that load, answer or measurement soon."""
        if self._worker is not None:
            self._worker.cancel(request_id)

    async def count_tokens(self, request: CountRequest) -> TokenCount:
        """What would be sent, beside whatever runs; raises `EngineError` cases."""
        if self._worker is None:
            raise not_loaded(request.model_path)
        told: asyncio.Future[TokenCount | AppError] = asyncio.get_running_loop().create_future()
        self._worker.count(CountJob(request, lambda count: _settle(told, count)))
        count = await told
        if isinstance(count, AppError):
            raise count
        return count

    async def describe(self) -> Facts:
        """Facts about llama.cpp for `lamplight doctor`."""
        told: asyncio.Future[Facts] = asyncio.get_running_loop().create_future()
        self._started().put(DescribeJob(lambda facts: _settle(told, facts)))
        return await told

    async def devices(self) -> tuple[Device, ...]:
        """What computes here, with its memory as it is now."""
        told: asyncio.Future[tuple[Device, ...]] = asyncio.get_running_loop().create_future()
        self._started().put(DevicesJob(lambda devices: _settle(told, devices)))
        return await told

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        """What a load would take, without doing it; after a running answer."""
        told: asyncio.Future[MeasuredSizes | AppError] = asyncio.get_running_loop().create_future()
        self._started().put(DryRunJob(path, params, lambda sizes: _settle(told, sizes)))
        sizes = await told
        if isinstance(sizes, AppError):
            raise sizes
        return sizes

    async def forget(self, tag: str | None) -> None:
        """Drop what was read of this conversation, in memory and on disk; raises `EngineError`."""
        if self._worker is not None:
            self._worker.put(ForgetJob(tag))
        # The worker does it as well, after what it writes just now.
        await self._kept.forget(tag)

    async def kept_bytes(self) -> int:
        """What is kept on disk of conversations that left the memory."""
        return await self._kept.size()

    def on_lost(self, heard: Callable[[AppError], None]) -> None:
        """Never called: this engine lives as long as the application."""
        self._requests.on_lost(heard)

    async def close(self) -> None:
        """Cancel, unload, end the thread."""
        self._closing = True
        worker, self._worker = self._worker, None
        if worker is None:
            return
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        worker.close(lambda: _settle(ended, None))
        await ended
        worker.join()

    def _started(self) -> Worker:
        if self._worker is None:
            self._worker = Worker()
            self._worker.start()
        return self._worker

    def _teller(self, request_id: str) -> Callable[[Event], None]:
        loop = asyncio.get_running_loop()

        def tell(event: Event) -> None:
            try:
                loop.call_soon_threadsafe(self._requests.deliver, request_id, event)
            except RuntimeError:
                # The loop is closed: nobody reads any more.
                return

        return tell


def _settle(future: asyncio.Future[T], result: T) -> None:
    """Give a coroutine its result, from the worker's thread."""

    def settle() -> None:
        if not future.done():
            future.set_result(result)

    future.get_loop().call_soon_threadsafe(settle)
