"""The text that `Copy report` puts on the clipboard: enough to help, nothing private.

The message of an unexpected exception may quote what somebody wrote, so only its class and the
lines of code are told. The two modules that know all this are imported when something has happened.
"""

from __future__ import annotations

import sys

from PySide6 import __version__ as pyside_version

from app.domain.errors import AppError


def error_report(error: AppError) -> str:
    """An error and where it happened."""
    lines = [error.title, error.detail, error.remedy, "", f"Kind: {error.kind}", *_machine()]
    return "\n".join(line for line in lines if line or line == "").strip() + "\n"


def trace_of(error: BaseException) -> str:
    """Where an unexpected exception came from, without its message."""
    import traceback

    frames = "".join(traceback.format_tb(error.__traceback__))
    cause = error.__cause__ or error.__context__
    before = f"{trace_of(cause)}\nthen\n" if cause is not None else ""
    return f"{before}{type(error).__name__}\n{frames}".rstrip()


def mistake(error: BaseException) -> AppError:
    """An unexpected exception as a person reads it."""
    return AppError(
        "Something went wrong in Lamplight.",
        trace_of(error),
        "You can go on working. If it happens again, please copy the report and send it to us.",
    )


def _machine() -> list[str]:
    import platform

    return [
        f"Python {platform.python_version()}, PySide6 {pyside_version}, {platform.platform()}",
        f"Packaged: {'yes' if getattr(sys, 'frozen', False) else 'no'}",
    ]
