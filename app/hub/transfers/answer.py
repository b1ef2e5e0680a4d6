"""Whether an answer is the part of the file that was asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.hub.client import HubClient
from app.hub.refusals import answer_broken
from app.hub.transfers.source import Located, Source, changed

if TYPE_CHECKING:
    import httpx2

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class RangesIgnored(Exception):
    """The server sends the whole file, whatever part was asked for."""


async def check_answer(
    response: httpx2.Response,
    client: HubClient,
    source: Source,
    located: Located,
    size: int,
    start: int | None,
) -> None:
    """Before its first byte is taken.

    `size` is the file's; `start` the first byte that was asked for, None: the whole file was.
    Raises `HubError` cases, `OtherFileOffered` and `RangesIgnored`.
    """
    status = response.status_code
    if status in (401, 403, 404, 410) and not source.belongs_to_hub(located):
        raise source.expired(located)
    if status == 416:
        raise changed(source.name, "it is shorter now")
    await client.check(response, source.name)
    if status == 206 and start is not None:
        _check_range(response, source, size, start)
    elif status == 200:
        length = response.headers.get("content-length")
        if length not in (None, str(size)):
            raise answer_broken(response.url.host, f"{length} bytes for a file of {size}")
        if start is not None:
            raise RangesIgnored
    else:
        raise answer_broken(response.url.host, f"status {status} for a part of a file")


def _check_range(response: httpx2.Response, source: Source, size: int, start: int) -> None:
    given = response.headers.get("content-range", "")
    match = _CONTENT_RANGE.fullmatch(given)
    if match and int(match[3]) != size:
        raise changed(source.name, f"{size:,} bytes, now {match[3]}")
    if match is None or int(match[1]) != start:
        raise answer_broken(response.url.host, f"another part than was asked for: {given}")
