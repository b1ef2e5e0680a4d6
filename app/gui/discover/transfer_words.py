"""How far a download is, in words that a narrow line can shorten."""

from __future__ import annotations

from app.domain.transfer import Transfer, TransferPhase
from app.gui.wording import size_text


def progress(transfer: Transfer) -> tuple[str, ...]:
    """A sentence, and shorter ones."""
    far = f"{size_text(transfer.done_bytes)} of {size_text(transfer.request.total_bytes)}"
    match transfer.phase:
        case TransferPhase.WAITING:
            return ("Waits for the downloads before it.", "Waits")
        case TransferPhase.RUNNING:
            speed = f"{size_text(round(transfer.bytes_per_second))}/s"
            left = _left(transfer.seconds_left)
            return (" · ".join(filter(None, (far, speed, left))), f"{far} · {speed}", far)
        case TransferPhase.CHECKING:
            return ("All is here; it is being compared with its checksum.", "Checking")
        case TransferPhase.PAUSED:
            return (f"Paused at {far}{_why(transfer)}", f"Paused at {far}", "Paused")
        case TransferPhase.RETRYING | TransferPhase.FAILED:
            again = "It goes on by itself." if transfer.phase is TransferPhase.RETRYING else ""
            error = transfer.error
            title = error.title if error else "It stopped."
            remedy = "" if again or error is None else error.remedy
            return (" ".join(filter(None, (title, again, remedy))), title)
        case TransferPhase.FINISHED:
            return ("Complete.",)


def _why(transfer: Transfer) -> str:
    return f": {transfer.error.title}" if transfer.error else "."


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min left"
    return f"{minutes}:{rest:02} left"
