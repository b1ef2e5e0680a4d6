"""Events cross threads in order, in few batches, and end once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from app.flow.stream import BatchStream


def read(stream_maker):
    async def main():
        stream, start = stream_maker(asyncio.get_running_loop())
        start()
        return [batch async for batch in stream]

    return asyncio.run(main())


def test_events_from_a_thread_arrive_in_order_and_end():
    def make(loop):
        stream = BatchStream(loop, interval=0.001)

        def produce():
            for number in range(5000):
                stream.put(number)
            stream.finish(-1)

        thread = threading.Thread(target=produce)
        return stream, thread.start

    batches = read(make)
    assert [n for batch in batches for n in batch] == [*range(5000), -1]
    assert all(batches)


def test_events_that_come_quickly_share_a_batch():
    def make(loop):
        stream = BatchStream(loop)
        for number in range(100):
            stream.put(number)
        stream.finish(-1)
        return stream, lambda: None

    assert len(read(make)) == 1


def test_what_comes_after_the_end_is_dropped():
    def make(loop):
        stream = BatchStream(loop)
        stream.finish("end")
        stream.put("late")
        stream.finish("second end")
        return stream, lambda: None

    assert read(make) == [["end"]]


def test_a_slow_reader_gets_fewer_batches():
    async def main():
        stream = BatchStream(asyncio.get_running_loop(), interval=0.001)
        stopping = threading.Event()

        def produce():
            while not stopping.wait(0.0005):
                stream.put(0)
            stream.finish(1)

        thread = threading.Thread(target=produce)
        thread.start()
        sizes = []
        async for batch in stream:
            sizes.append(len(batch))
            if len(sizes) == 5:
                stopping.set()
            await asyncio.sleep(0.02)  # The cost of a paint: the next pause is four times as long.
        thread.join()
        return sizes

    # At 2,000 events a second a pause of 80 ms gathers far more than the 1 ms interval would.
    assert max(asyncio.run(main())[1:5]) > 10


def test_events_put_after_the_loop_has_closed_do_no_harm():
    async def main():
        stream = BatchStream(asyncio.get_running_loop())
        reader = asyncio.ensure_future(anext(aiter(stream)))
        await asyncio.sleep(0.01)
        reader.cancel()
        return stream

    stream = asyncio.run(main())
    stream.put(1)
    stream.finish(2)


@pytest.mark.parametrize("count", [1, 2, 17])
def test_an_idle_reader_wakes_for_each_late_event(count):
    async def main():
        loop = asyncio.get_running_loop()
        stream = BatchStream(loop, interval=0.001)
        for number in range(count):
            loop.call_later(0.003 * number, stream.put, number)
        loop.call_later(0.003 * count, stream.finish, "end")
        return [event async for batch in stream for event in batch]

    assert asyncio.run(main()) == [*range(count), "end"]
