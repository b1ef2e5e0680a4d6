"""The keyring: named for `doctor`, imported only when asked."""

from __future__ import annotations

import subprocess
import sys

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from app.config.secrets import KeyringSecrets, keyring_backend_name
from app.domain.errors import KeyringUnusable


@pytest.mark.parametrize(
    ("backend", "name"),
    [(keyring.backends.fail.Keyring, "none"), (keyring.backends.null.Keyring, "null Keyring")],
)
def test_its_name(
    monkeypatch: pytest.MonkeyPatch, backend: type[keyring.backend.KeyringBackend], name: str
):
    monkeypatch.setattr(keyring, "get_keyring", backend)
    assert keyring_backend_name() == name


class Kept(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1  # pyright: ignore[reportAssignmentType]

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.secrets.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


@pytest.fixture
def kept():
    before = keyring.get_keyring()
    backend = Kept()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_secret_is_kept_read_and_forgotten(kept: Kept):
    secrets = KeyringSecrets()
    assert secrets.read("token") is None
    secrets.keep("token", "hf_x")
    assert kept.secrets == {("Lamplight", "token"): "hf_x"}
    assert secrets.read("token") == "hf_x"
    secrets.forget("token")
    secrets.forget("token")
    assert secrets.read("token") is None


def test_without_a_keyring_nothing_is_kept_and_that_is_said():
    secrets = KeyringSecrets()
    assert secrets.read("token") is None
    for attempt in (lambda: secrets.keep("token", "hf_x"), lambda: secrets.forget("token")):
        with pytest.raises(KeyringUnusable) as caught:
            attempt()
        assert "hf_x" not in str(caught.value.to_dict())


def test_it_is_imported_only_when_asked():
    code = "import sys, app.config.secrets; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
