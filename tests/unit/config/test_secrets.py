"""The keyring: named for `doctor`, imported only when asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from app.config.secrets import KeyringSecrets, SessionSecrets, keyring_backend_name
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


def test_what_is_held_for_the_session_is_read_first_and_kept_nowhere(kept: Kept):
    secrets = SessionSecrets(KeyringSecrets())
    secrets.keep("token", "hf_kept")
    secrets.hold("token", "hf_held")
    assert (secrets.read("token"), secrets.is_held("token")) == ("hf_held", True)
    assert kept.secrets == {("Lamplight", "token"): "hf_kept"}
    secrets.keep("token", "hf_new")
    assert (secrets.read("token"), secrets.is_held("token")) == ("hf_new", False)
    secrets.hold("token", "hf_held")
    secrets.forget("token")
    assert secrets.read("token") is None
    assert kept.secrets == {}


_REAL = """
import asyncio
from app.config.secrets import KeyringSecrets, SessionSecrets, keyring_backend_name

name = keyring_backend_name()
assert "SecretService" in name, name
secrets = SessionSecrets(KeyringSecrets())
assert secrets.read("a") is None
secrets.keep("a", "hf_x")
assert SessionSecrets(KeyringSecrets()).read("a") == "hf_x"
secrets.forget("a")
assert secrets.read("a") is None
"""


@pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")),
    reason="there is no keyring of a desktop here",
)
def test_the_keyring_of_a_desktop(tmp_path: Path):
    script = tmp_path / "real.py"
    script.write_text(_REAL)
    unlocked = "gnome-keyring-daemon --unlock --components=secrets >/dev/null"
    command = f"printf x | {unlocked} && exec {sys.executable} {script}"
    subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", command],
        check=True,
        timeout=50,
        env={
            **{key: value for key, value in os.environ.items() if "PYTHON_KEYRING" not in key},
            "HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "XDG_RUNTIME_DIR": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[3]),
        },
    )
