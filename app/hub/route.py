"""How an HTTP client gets out of this computer: proxy and trusted certificates."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import httpx2

from app.domain.errors import CertificatesUnusable, ProxyUnusable
from app.domain.hub import NO_PROXY, HubWay
from app.hub.refusals import proxy_unusable

_SCHEMES = ("http", "https", "socks5", "socks5h")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def route_of(way: HubWay) -> dict[str, object]:
    """Arguments of `httpx2.AsyncClient`; raises `ProxyUnusable` and `CertificatesUnusable`."""
    arguments: dict[str, object] = {"verify": _trusted(way.certificates)}
    if way.proxy == NO_PROXY:
        arguments["trust_env"] = False
    elif way.proxy:
        arguments["proxy"] = _proxy(way.proxy)
        # What is on this computer is not behind a proxy.
        arguments["mounts"] = {f"all://{host}": None for host in _LOOPBACK}
    return arguments


def opened(way: HubWay, **arguments: object) -> httpx2.AsyncClient:
    """A client that goes that way. Raises as `route_of`, and `HubUnreachable` where the system
    names a proxy that is none."""
    try:
        return httpx2.AsyncClient(**arguments, **route_of(way))  # pyright: ignore[reportArgumentType]
    except (ValueError, httpx2.InvalidURL) as error:
        # Proxies of the system are read here.
        if way.proxy:
            raise _no_proxy(way.proxy, str(error)) from error
        raise proxy_unusable(error) from error


def _proxy(address: str) -> str:
    text = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(text)
        # Asking for a port that is none raises.
        sound = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        secret = bool(parts.username or parts.password)
    except ValueError:
        sound, secret = False, False
    if secret:
        raise ProxyUnusable(
            "A name and a password cannot be part of the proxy's address here.",
            "The settings file would hold them for everybody to read.",
            "Set the proxy in the system (or HTTPS_PROXY), and leave this field empty.",
        )
    if not sound:
        raise _no_proxy(address, "")
    return text


def _no_proxy(address: str, detail: str) -> ProxyUnusable:
    return ProxyUnusable(
        f"“{address}” is not the address of a proxy that Lamplight can use.",
        detail,
        "Write it like http://proxy.example:8080.",
    )


def _trusted(path: str) -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    if not path:
        return context
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError as well.
        raise CertificatesUnusable(
            "The certificates cannot be used.",
            f"{path}: {getattr(error, 'strerror', None) or error}",
            "Choose a file in PEM form, which begins with -----BEGIN CERTIFICATE-----.",
        ) from error
    return context
