"""Why the hub could not be used: httpx2's exceptions and HTTP's numbers, in sentences.

Error codes in `X-Error-Code`: huggingface_hub, utils/_http.py. A missing repository and a private
one of somebody else look the same to whoever asks without an account: 401.
"""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import Mapping

import httpx2

from app.domain.errors import (
    AccessNotGranted,
    HubAnswerBroken,
    HubBusy,
    HubError,
    HubFault,
    HubNotTrusted,
    HubSilent,
    HubUnreachable,
    RepoMissing,
    TokenNeeded,
    TokenRefused,
)
from app.hub.huggingface import rate_limit_wait

LONGEST_WAIT = 3600.0
"""Seconds: a hub that wants more is asked again after an hour."""
_DEFAULT_WAIT = 60.0
_WORKS_OFFLINE = "Models on this computer work without it. Check the connection, then try again."


def of_transport(error: Exception, host: str) -> HubError:
    """For an exception of httpx2 (or of what it stands on) while speaking with `host`."""
    if _caused_by_certificate(error):
        return HubNotTrusted(
            f"{host} cannot prove that it is what it says it is.",
            str(error),
            "If your company checks encrypted traffic, its certificate must be known to this "
            "computer; ask whoever looks after it.",
        )
    if isinstance(error, httpx2.ProxyError):
        return HubUnreachable(
            "The proxy does not let Lamplight through.",
            str(error),
            "Check the proxy in the system's network settings.",
        )
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)):
        return HubUnreachable(f"{host} cannot be reached.", str(error), _WORKS_OFFLINE)
    if isinstance(error, httpx2.TimeoutException):
        return HubSilent(f"{host} does not answer.", str(error), "Try again in a while.")
    if isinstance(error, (httpx2.DecodingError, httpx2.TooManyRedirects, httpx2.InvalidURL)):
        return answer_broken(host, str(error))
    return HubSilent(f"The connection to {host} broke.", str(error), "Try again.")


def of_status(
    status: int, headers: Mapping[str, str], host: str, subject: str, *, signed_in: bool
) -> HubError:
    """For an answer that is no success; `subject` names what was asked for."""
    code = headers.get("x-error-code", "")
    if status in (401, 403):
        return _of_refused(status, code, host, subject, signed_in)
    if status == 404 or status == 410:
        return RepoMissing(
            f"“{subject}” is not there (any more).",
            f"{host}: {code or status}",
            "Perhaps it was renamed or taken away. Search for it, or choose another one.",
        )
    if status == 429:
        return _busy(headers, host)
    if status >= 500:
        return HubFault(
            f"{host} has a fault of its own.", f"status {status}", "Try again in a few minutes."
        )
    return HubFault(
        f"{host} does not accept the request.",
        f"status {status} {code} {headers.get('x-error-message', '')}".strip(),
        "Check the address of the model hub in the settings.",
    )


def proxy_unusable(error: Exception) -> HubUnreachable:
    """The system's settings name a proxy in a way that nobody understands."""
    return HubUnreachable(
        "The proxy that this computer is set to use cannot be understood.",
        str(error),
        "Check the proxy in the system's network settings (or HTTPS_PROXY, ALL_PROXY).",
    )


def answer_broken(host: str, detail: str) -> HubAnswerBroken:
    """Its answer is not what the protocol promises."""
    return HubAnswerBroken(
        f"{host} answers with something that Lamplight does not understand.",
        detail,
        "If a hotel or company network asks to sign in, open a web browser and do that first.",
    )


def _of_refused(status: int, code: str, host: str, subject: str, signed_in: bool) -> HubError:
    if code == "GatedRepo" and signed_in:
        return AccessNotGranted(
            f"Your account may not use “{subject}” yet.",
            f"{host}: {status} {code}",
            "Open its page in a web browser, accept its terms or ask for access, then try again.",
        )
    if signed_in and status == 401:
        return TokenRefused(
            f"{host} does not accept the access token.",
            f"{host}: {status} {code}".strip(),
            "Make a new one in your account there, and give it to Lamplight in the settings.",
        )
    if signed_in:
        return AccessNotGranted(
            f"Your account may not use “{subject}”.",
            f"{host}: {status} {code}".strip(),
            "Open its page in a web browser to see what is needed.",
        )
    return TokenNeeded(
        f"“{subject}” is only for people with an account, or does not exist.",
        f"{host}: {status} {code}".strip(),
        f"Make an access token in your account at {host}, and give it to Lamplight.",
    )


def _busy(headers: Mapping[str, str], host: str) -> HubBusy:
    wait = wait_in(headers)
    error = HubBusy(
        f"{host} is asked too often from here.",
        "status 429",
        f"It can be asked again in {_duration(wait)}.",
    )
    error.wait_seconds = wait
    return error


def wait_in(headers: Mapping[str, str]) -> float:
    """How many seconds the hub wants to be left alone: `Retry-After` or `RateLimit`."""
    text = headers.get("retry-after", "").strip()
    wait: float | None = float(text) if text.isascii() and text.isdigit() else None
    if wait is None and text:
        parsed = email.utils.parsedate_tz(text)
        wait = email.utils.mktime_tz(parsed) - time.time() if parsed else None
    if wait is None:
        wait = rate_limit_wait(headers)
    return min(max(_DEFAULT_WAIT if wait is None else wait, 0.0), LONGEST_WAIT)


def _duration(seconds: float) -> str:
    if seconds < 90:
        count = max(1, round(seconds))
        return "one second" if count == 1 else f"{count} seconds"
    return f"{round(seconds / 60)} minutes"


def _caused_by_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
