"""What the dialog “Network and access” says."""

from __future__ import annotations

from app.domain.errors import AppError
from app.services.access import Access, TokenPlace

TOKEN_HELP = (
    "Only some models need an account. The token is sent to the hub alone, never to the servers "
    "that store its files."
)
FOR_SESSION = "Keep it only until Lamplight ends"
NO_KEYRING = "It can still be used until Lamplight ends: tick that below, and check it again."
CHECKING = "Asking the hub…"
PROXY_CHOICES = {"system": "As the system is set", "none": "None", "address": "This one:"}


def hub_note(access: Access) -> str:
    """Who says which hub is asked, where that is not the field."""
    if access.from_environment:
        return f"HF_ENDPOINT is set on this computer, so {access.hub.url} is asked."
    return ""


def token_state(access: Access) -> str:
    """Whether there is a token, and where."""
    host = access.hub.host
    if not access.hub.may_see_token:
        return f"No token is sent to {host}, because what is said to it is not encrypted."
    match access.token:
        case TokenPlace.KEYRING:
            return f"A token for {host} is kept in this computer's keyring."
        case TokenPlace.SESSION:
            return f"A token for {host} is known until Lamplight ends."
        case TokenPlace.NOWHERE:
            return f"No token for {host} is kept. Most models need none."


def signed_in(account: str) -> str:
    """A token was checked and kept."""
    return f"The token is good: you are signed in as {account}."


def answered(access: Access, account: str) -> str:
    """The hub was asked, and answered."""
    return f"{access.hub.host} answers." + (f" You are signed in as {account}." if account else "")


def told(error: AppError) -> str:
    """An error in a few lines, without what only a developer understands."""
    return "\n".join(filter(None, (error.title, error.remedy)))
