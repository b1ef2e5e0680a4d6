"""Downloads in words."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.transfer import Transfer, TransferPhase
from app.gui.wording import size_text

GOES_ON = "You can close Lamplight at any time: downloads go on when it is opened again."
_MINUTE, _HOUR = 60, 3600
_TITLE = 34
"""Characters of a title where there is little room."""


def is_pending(transfer: Transfer) -> bool:
    """Whether something of it is still to come."""
    return transfer.phase not in (TransferPhase.FINISHED, TransferPhase.UNUSABLE)


def is_going(transfer: Transfer) -> bool:
    """Whether it goes on by itself: it runs, or waits for something that passes."""
    return transfer.phase.is_active or transfer.phase is TransferPhase.WAITING


def can_resume(transfer: Transfer) -> bool:
    """Whether it stands until somebody says otherwise."""
    return transfer.phase in (TransferPhase.PAUSED, TransferPhase.FAILED)


def fraction_of(transfers: Sequence[Transfer]) -> float:
    """How far they are together, from 0 to 1."""
    total = sum(each.request.total_bytes for each in transfers)
    return sum(each.done_bytes for each in transfers) / total if total else 0.0


def percent_text(fraction: float) -> str:
    """Rounded down: 100 only when all is there."""
    return f"{int(fraction * 100)} %"


def short_title(transfer: Transfer) -> str:
    """The title, cut where it is very long."""
    title = transfer.request.title
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"


def left_text(seconds: float) -> str:
    """A forecast, no more exact than it can be: `about 40 s left`, `about 2 h 10 min left`."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 55:
        return f"about {5 * round(seconds / 5)} s left"
    minutes = round(seconds / _MINUTE)
    if minutes < 60:
        return f"about {minutes} min left"
    if seconds < 24 * _HOUR:
        hours, rest = divmod(10 * round(minutes / 10), 60)
        return f"about {hours} h {rest} min left" if rest else f"about {hours} h left"
    return "more than a day left"


def amount_text(transfer: Transfer) -> str:
    """`1.2 GB of 2.5 GB`; while nothing has come the size alone."""
    whole = size_text(transfer.request.total_bytes)
    return f"{size_text(transfer.done_bytes)} of {whole}" if transfer.done_bytes else whole


def progress_line(transfer: Transfer) -> str:
    """What it does, how far it is, how fast, how long still; a number only where it is known."""
    amount, whole = amount_text(transfer), size_text(transfer.request.total_bytes)
    match transfer.phase:
        case TransferPhase.WAITING:
            return f"Waiting for its turn · {amount}"
        case TransferPhase.RUNNING:
            return " · ".join((amount, *_speed(transfer)))
        case TransferPhase.CHECKING:
            return f"Comparing with the checksum · {whole}"
        case TransferPhase.RETRYING:
            return f"{amount} · {_retry(transfer)}"
        case TransferPhase.PAUSED:
            return f"Paused · {amount}"
        case TransferPhase.FAILED:
            return f"Stopped · {amount} kept" if transfer.done_bytes else f"Stopped · {amount}"
        case TransferPhase.FINISHED:
            return f"Ready to use · {whole}"
        case TransferPhase.UNUSABLE:
            return f"Complete, but it cannot be used · {whole}"


def _speed(transfer: Transfer) -> tuple[str, ...]:
    if not transfer.bytes_per_second:
        return ("waiting for data" if transfer.done_bytes else "starting",)
    speed = f"{size_text(round(transfer.bytes_per_second))}/s"
    if transfer.seconds_left is None:
        return (speed,)
    return (speed, left_text(transfer.seconds_left))


def _retry(transfer: Transfer) -> str:
    if transfer.retry_in is None or transfer.retry_in < 1:
        return "trying again"
    return f"trying again in {round(transfer.retry_in)} s"


def trouble_text(transfer: Transfer) -> str:
    """Why it does not go on, and what helps; empty while it does."""
    error = transfer.error
    if error is None or transfer.phase is TransferPhase.WAITING:
        return ""
    return f"{error.title} {error.remedy}".strip()


def whole_text(transfer: Transfer) -> str:
    """All that a row shows, for who hears it read."""
    parts = (transfer.request.repo_id, progress_line(transfer), trouble_text(transfer))
    return ". ".join(part for part in parts if part)


def glance_text(transfers: Sequence[Transfer]) -> str:
    """For the status line, while something runs; else empty."""
    going = [each for each in transfers if is_going(each)]
    if not any(each.phase.is_active for each in going):
        return ""
    if all(each.phase in (TransferPhase.RETRYING, TransferPhase.WAITING) for each in going):
        return "Download waits" if len(going) == 1 else "Downloads wait"
    percent = percent_text(fraction_of(going))
    return f"Downloading {percent}" if len(going) == 1 else f"{len(going)} downloads {percent}"


def badge_text(going: int, done: int, failed: int) -> str:
    """For the navigation: what there is to know without opening the page."""
    parts: list[str] = []
    if failed:
        parts.append("One download has stopped." if failed == 1 else f"{failed} have stopped.")
    if going:
        parts.append("One download is under way." if going == 1 else f"{going} are under way.")
    if done:
        parts.append("One download is ready." if done == 1 else f"{done} are ready.")
    return " ".join(parts)


def lost_text(transfer: Transfer) -> str:
    """What removing it takes away."""
    return (
        f"{size_text(transfer.done_bytes)} of it are here already and would be deleted. "
        "A later download begins anew."
    )
