"""The keyring: named for `doctor`, imported only when asked."""

from __future__ import annotations

import subprocess
import sys

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import pytest

from app.config.secrets import keyring_backend_name


@pytest.mark.parametrize(
    ("backend", "name"),
    [(keyring.backends.fail.Keyring, "none"), (keyring.backends.null.Keyring, "null Keyring")],
)
def test_its_name(
    monkeypatch: pytest.MonkeyPatch, backend: type[keyring.backend.KeyringBackend], name: str
):
    monkeypatch.setattr(keyring, "get_keyring", backend)
    assert keyring_backend_name() == name


def test_it_is_imported_only_when_asked():
    code = "import sys, app.config.secrets; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
