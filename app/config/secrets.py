"""The system's keyring: the only place that imports keyring, and only when it is asked."""

from __future__ import annotations

import logging

from app.domain.errors import KeyringUnusable
from app.domain.network_ports import SecretKeeper

SERVICE = "Lamplight"
"""Under this name the keyring's own window shows what is kept."""

log = logging.getLogger(__name__)


class KeyringSecrets:
    """The adapter for `SecretKeeper`."""

    def read(self, name: str) -> str | None:
        """The secret of that name, or None where none is kept or the keyring can't be used."""
        import keyring
        from keyring.errors import KeyringError

        try:
            return keyring.get_password(SERVICE, name)
        except KeyringError as error:
            # Most of what a secret is for works without it; what does not will say so.
            log.info("the keyring cannot be read: %s", type(error).__name__)
            return None

    def keep(self, name: str, secret: str) -> None:
        """Keep it in the place of what was there; raises `KeyringUnusable`."""
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(SERVICE, name, secret)
        except KeyringError as error:
            raise _unusable(error) from error

    def forget(self, name: str) -> None:
        """Take it out; does nothing where there is none. Raises `KeyringUnusable`."""
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            keyring.delete_password(SERVICE, name)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise _unusable(error) from error


class SessionSecrets:
    """Keeps some secrets until Lamplight ends, others in the keyring below. Safe from any thread:
    each change is one step of a dictionary."""

    def __init__(self, keyring: SecretKeeper) -> None:
        self._keyring = keyring
        self._session: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        """What is held for the session goes before the keyring."""
        return self._session.get(name) or self._keyring.read(name)

    def keep(self, name: str, secret: str) -> None:
        """Keep it in the keyring; raises `KeyringUnusable`."""
        self._keyring.keep(name, secret)
        self._session.pop(name, None)

    def hold(self, name: str, secret: str) -> None:
        """Keep it until the end of this process, and nowhere else."""
        self._session[name] = secret

    def is_held(self, name: str) -> bool:
        """Whether it is there until the end of this process only."""
        return name in self._session

    def forget(self, name: str) -> None:
        """Take it out of both; raises `KeyringUnusable`."""
        self._session.pop(name, None)
        self._keyring.forget(name)


def keyring_backend_name() -> str:
    """What would keep secrets here, for `doctor`; `none` where the system offers nothing.

    Takes up to 0.3 s the first time (imports, D-Bus): not for the event loop's thread.
    """
    import keyring
    import keyring.backends.fail

    backend = keyring.get_keyring()
    if isinstance(backend, keyring.backends.fail.Keyring):
        return "none"
    return backend.name


def _unusable(error: Exception) -> KeyringUnusable:
    return KeyringUnusable(
        "The system's keyring can't be used, so the secret is not kept.",
        # Not its message: that could name what was to be kept.
        type(error).__name__,
        "Set up or unlock the keyring of your desktop, then try again.",
    )
