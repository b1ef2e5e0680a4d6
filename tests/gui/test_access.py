"""The dialog “Network and access”: which hub, whose token, and which way out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from app.domain.errors import (
    CertificatesUnusable,
    HubUnreachable,
    KeyringUnusable,
    TokenRefused,
    UsageError,
)
from app.domain.settings import Settings
from app.gui.access.dialog import AccessDialog
from app.services.access import TokenPlace
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

AnyWidget = TypeVar("AnyWidget", bound=QWidget)

CHECK, FORGET = "Check and keep the token", "Forget the token"


def dialog_of(stage: Stage) -> AccessDialog:
    (dialog,) = (one for one in stage.window.findChildren(AccessDialog) if one.isVisible())
    return dialog


async def opened(stage: Stage) -> AccessDialog:
    """The dialog, from the menu, with what is so now."""
    await stage.begin()
    stage.window.menus.access.trigger()
    dialog = dialog_of(stage)
    await stage.until(lambda: dialog.account.state.text())
    return dialog


def part(dialog: AccessDialog, kind: type[AnyWidget], name: str) -> AnyWidget:
    found = dialog.findChild(kind, name)
    assert found is not None, name
    return found


def words(dialog: AccessDialog, name: str) -> str:
    line = part(dialog, QLabel, name)
    return line.text() if line.isVisible() else ""


def write(dialog: AccessDialog, name: str, text: str) -> None:
    """As a person does: write, and leave the field."""
    edit = part(dialog, QLineEdit, name)
    edit.setText(text)
    edit.editingFinished.emit()


async def test_a_token_is_checked_kept_and_not_shown_again(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    assert "No token for huggingface.co" in words(dialog, "Token state")
    assert not part(dialog, QPushButton, CHECK).isEnabled()
    edit = part(dialog, QLineEdit, "Access token")
    assert edit.echoMode() is QLineEdit.EchoMode.Password
    edit.setText("hf_x")
    part(dialog, QPushButton, CHECK).click()
    await stage.until(lambda: "signed in as ada" in words(dialog, "Token answer"))
    assert services.access.signed_in == [("hf_x", False)]
    assert edit.text() == ""
    await stage.until(lambda: "keyring" in words(dialog, "Token state"))
    part(dialog, QPushButton, FORGET).click()
    await stage.until(lambda: "No token" in words(dialog, "Token state"))
    assert services.access.signed_out == 1


async def test_without_a_keyring_the_session_is_offered(
    stage: Stage, services: FakeServices
) -> None:
    services.access.error = KeyringUnusable("The keyring can't be used.")
    dialog = await opened(stage)
    part(dialog, QLineEdit, "Access token").setText("hf_x")
    part(dialog, QPushButton, CHECK).click()
    await stage.until(lambda: "tick that below" in words(dialog, "Token answer"))
    assert part(dialog, QLineEdit, "Access token").text() == "hf_x"
    services.access.error = None
    part(dialog, QCheckBox, "Keep it only until Lamplight ends").click()
    part(dialog, QPushButton, CHECK).click()
    await stage.until(lambda: services.access.signed_in == [("hf_x", True)])
    await stage.until(lambda: "until Lamplight ends" in words(dialog, "Token state"))


async def test_a_refused_token_stays_to_be_put_right(stage: Stage, services: FakeServices) -> None:
    services.access.error = TokenRefused("It is not accepted.", "", "Make a new one.")
    dialog = await opened(stage)
    part(dialog, QLineEdit, "Access token").setText("hf_x")
    part(dialog, QPushButton, CHECK).click()
    await stage.until(lambda: words(dialog, "Token answer"))
    await stage.until(lambda: "Make a new one." in words(dialog, "Token answer"))
    assert part(dialog, QLineEdit, "Access token").text() == "hf_x"
    assert part(dialog, QPushButton, CHECK).isEnabled()


async def test_while_the_hub_is_asked_it_is_not_asked_again(
    stage: Stage, services: FakeServices
) -> None:
    services.access.gate = asyncio.Event()
    dialog = await opened(stage)
    part(dialog, QLineEdit, "Access token").setText("hf_x")
    part(dialog, QPushButton, CHECK).click()
    await stage.until(lambda: "Asking" in words(dialog, "Token answer"))
    assert not part(dialog, QPushButton, CHECK).isEnabled()
    services.access.gate.set()
    await stage.until(lambda: services.access.signed_in)


async def test_whoever_needs_a_token_asks_for_it_with_the_reason(stage: Stage) -> None:
    await stage.begin()
    assert stage.wiring is not None
    heard: list[bool] = []
    access = stage.wiring.models.access
    access.changed.connect(lambda: heard.append(True))
    access.ask_token("“ada/secret” is only for people with an account.")
    dialog = dialog_of(stage)
    await stage.until(lambda: dialog.account.state.text())
    assert words(dialog, "Reason").startswith("“ada/secret”")
    assert QApplication.focusWidget() is part(dialog, QLineEdit, "Access token")
    part(dialog, QLineEdit, "Access token").setText("hf_x")
    part(dialog, QPushButton, CHECK).click()
    await stage.until(lambda: heard)
    assert words(dialog, "Reason") == ""


async def test_the_settings_are_applied_when_a_field_is_left(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    write(dialog, "Model hub", " https://mirror.example ")
    write(dialog, "Certificates", "/etc/company.pem")
    box = part(dialog, QComboBox, "Proxy")
    box.setCurrentIndex(box.findData("address"))
    write(dialog, "Proxy address", "http://proxy:8080")
    part(dialog, QCheckBox, "Use no network").click()
    await stage.until(lambda: services.settings.current.network.offline)
    settings = services.settings.current
    assert settings.hub.address == "https://mirror.example"
    assert settings.network.certificates == "/etc/company.pem"
    assert settings.network.proxy == "http://proxy:8080"
    box.setCurrentIndex(box.findData("none"))
    await stage.until(lambda: services.settings.current.network.proxy == "none")


async def test_what_is_set_is_shown(stage: Stage, services: FakeServices) -> None:
    current = Settings()
    network = replace(current.network, proxy="http://proxy:8080", certificates="/c.pem")
    services.settings.current = replace(current, network=network)
    dialog = await opened(stage)
    assert part(dialog, QComboBox, "Proxy").currentData() == "address"
    assert part(dialog, QLineEdit, "Proxy address").text() == "http://proxy:8080"
    assert part(dialog, QLineEdit, "Certificates").text() == "/c.pem"


async def test_what_cannot_be_is_said_until_it_is_put_right(
    stage: Stage, services: FakeServices
) -> None:
    services.access.error = CertificatesUnusable("They cannot be used.", "", "Choose a file.")
    dialog = await opened(stage)
    write(dialog, "Certificates", "/nothing.pem")
    await stage.until(lambda: words(dialog, "Problem") == "They cannot be used.\nChoose a file.")
    assert services.settings.current == Settings()
    write(dialog, "Certificates", "")
    await stage.until(lambda: words(dialog, "Problem") == "")


async def test_what_is_written_last_counts_when_the_dialog_is_closed(
    stage: Stage, services: FakeServices
) -> None:
    dialog = await opened(stage)
    part(dialog, QLineEdit, "Model hub").setText("https://mirror.example")
    dialog.reject()
    await stage.until(lambda: services.settings.current.hub.address == "https://mirror.example")


async def test_what_cannot_be_is_a_banner_where_the_dialog_is_closed(
    stage: Stage, services: FakeServices
) -> None:
    services.access.error = UsageError("That is no address.")
    dialog = await opened(stage)
    part(dialog, QLineEdit, "Model hub").setText("ftp://x")
    dialog.reject()
    await stage.until(stage.banners)
    assert stage.banners() == ["That is no address."]


async def test_the_environment_goes_before_the_field(stage: Stage, services: FakeServices) -> None:
    services.access.access = replace(services.access.access, from_environment=True)
    dialog = await opened(stage)
    assert "HF_ENDPOINT is set" in words(dialog, "Hub note")
    assert not part(dialog, QLineEdit, "Model hub").isEnabled()


async def test_a_hub_in_the_clear_gets_no_token(stage: Stage, services: FakeServices) -> None:
    hub = replace(services.access.access.hub, may_see_token=False)
    services.access.access = replace(services.access.access, hub=hub)
    dialog = await opened(stage)
    assert "not encrypted" in words(dialog, "Token state")
    assert not part(dialog, QLineEdit, "Access token").isEnabled()


async def test_the_connection_can_be_tried(stage: Stage, services: FakeServices) -> None:
    services.access.access = replace(services.access.access, token=TokenPlace.KEYRING)
    dialog = await opened(stage)
    part(dialog, QPushButton, "Try the connection").click()
    answer = "huggingface.co answers. You are signed in as ada."
    await stage.until(lambda: words(dialog, "Answer") == answer)
    services.access.error = HubUnreachable("It cannot be reached.", "", "Check the connection.")
    part(dialog, QPushButton, "Try the connection").click()
    await stage.until(lambda: "Check the connection." in words(dialog, "Answer"))
    assert services.access.tried == 2


async def test_enter_in_a_field_presses_no_button(stage: Stage, services: FakeServices) -> None:
    dialog = await opened(stage)
    edit = part(dialog, QLineEdit, "Model hub")
    edit.setFocus()
    edit.setText("https://mirror.example")
    stage.key(Qt.Key.Key_Return, on=edit)
    await stage.until(lambda: services.settings.current.hub.address == "https://mirror.example")
    assert dialog.isVisible()
    assert services.access.tried == services.access.signed_out == 0
