"""The system's keyring: the only place that imports keyring, and only when it is asked."""

from __future__ import annotations


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
