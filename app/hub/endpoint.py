"""Which hub is asked, and when it may see the token."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.domain.errors import UsageError

HUGGING_FACE = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a hub or mirror: scheme, host, port and perhaps a path; no slash at its end.

    Made by `endpoint_at`.
    """

    url: str
    host: str
    origin: tuple[str, str, int]

    @property
    def encrypted(self) -> bool:
        """Whether what is said to it cannot be read on the way."""
        return self.origin[0] == "https"

    @property
    def may_see_token(self) -> bool:
        """A secret travels encrypted, or does not leave this computer."""
        return self.encrypted or is_loopback(self.host)

    def is_origin_of(self, url: str) -> bool:
        """Whether an address belongs to this hub itself: same scheme, host and port."""
        return _origin(url) == self.origin

    @property
    def secret_name(self) -> str:
        """The token's name in the keyring: each hub has its own, so none sees another's."""
        scheme, host, port = self.origin
        return f"hub-token:{scheme}://{host}:{port}"


def endpoint_at(address: str) -> Endpoint:
    """The hub at an address as people write it; raises `UsageError`. Empty: Hugging Face."""
    text = address.strip() or HUGGING_FACE
    text = (text if "://" in text else f"https://{text}").rstrip("/")
    try:
        scheme, host, port = origin = _origin(text)
        rest = urlsplit(text)
        sound = scheme in ("http", "https") and host and port
        sound = sound and not (rest.username or rest.query or rest.fragment)
    except ValueError:
        sound, host, origin = False, "", ("", "", 0)
    if not sound:
        raise UsageError(
            f"“{address}” is not the address of a model hub.",
            "",
            f"Write it like {HUGGING_FACE}, or leave it empty.",
        )
    return Endpoint(text, host, origin)


def is_loopback(host: str) -> bool:
    """Whether a host is this computer itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int]:
    """Raises `ValueError` for a port that is none."""
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default
