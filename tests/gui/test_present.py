"""Banners, toasts, link dialogs, and what a report may tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QToolButton

from app.domain.errors import DiskFull, SettingsDamaged, StoreBusy, StoreReadOnly
from app.domain.facts import Trouble, TroubleOver
from app.gui.present.report import error_report, mistake
from tests.helpers.guards import ExpectedLogs
from tests.helpers.gui_services import FakeServices
from tests.helpers.gui_stage import Stage

if TYPE_CHECKING:
    from PySide6.QtCore import QUrl

FULL = DiskFull("The disk is full", "/home: 0 bytes free", "Free some space.")


async def test_trouble_is_a_banner_until_it_is_over(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    services.facts.publish(Trouble(FULL))
    assert stage.banners() == ["The disk is full"]
    services.facts.publish(TroubleOver(FULL.kind))
    assert stage.banners() == []
    assert not stage.window.banners.isVisible()


async def test_one_banner_of_a_kind_and_three_at_most(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    for error in (
        FULL,
        DiskFull("Still full", "", ""),
        StoreBusy("Busy", "", ""),
        StoreReadOnly("Read only", "", ""),
        SettingsDamaged("Settings", "", ""),
    ):
        services.facts.publish(Trouble(error))
    assert stage.banners() == ["Busy", "Read only", "Settings"]


async def test_details_copy_and_dismiss(stage: Stage, services: FakeServices) -> None:
    await stage.begin()
    services.facts.publish(Trouble(FULL))
    details = stage.find(QPlainTextEdit, "Details")
    assert not details.isVisible()
    stage.find(QPushButton, "Show details").click()
    assert details.isVisible()
    assert details.toPlainText() == "/home: 0 bytes free"
    stage.find(QPushButton, "Copy report").click()
    assert "The disk is full" in QGuiApplication.clipboard().text()
    stage.find(QToolButton, "Dismiss").click()
    assert stage.banners() == []


async def test_our_own_mistake_is_an_apology_with_a_report(
    stage: Stage, expected_logs: ExpectedLogs
) -> None:
    expected_logs.expect("unexpected: ValueError")
    await stage.begin()
    stage.window.presenter.report(_raised("what somebody wrote"))
    assert stage.banners() == ["Something went wrong in Lamplight."]


def test_a_report_quotes_no_text() -> None:
    report = error_report(mistake(_raised("what somebody wrote")))
    assert "what somebody wrote" not in report
    assert "ValueError" in report
    assert "test_present.py" in report


def _raised(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    urls: list[str] = []

    def open_url(url: QUrl) -> bool:
        urls.append(url.toString())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    return urls


async def test_a_link_opens_only_after_a_yes(stage: Stage, opened: list[str]) -> None:
    await stage.begin()
    address = "https://example.org/a?b=c"
    stage.window.transcript.link_activated.emit(address)
    dialog = stage.find(QDialog, "Open this link?")
    assert dialog.isVisible()
    assert stage.find(QPlainTextEdit, "Link address").toPlainText() == address
    assert opened == []
    stage.find(QPushButton, "Open link").click()
    assert opened == [address]


async def test_a_no_opens_nothing(stage: Stage, opened: list[str]) -> None:
    await stage.begin()
    stage.window.transcript.link_activated.emit("https://example.org/")
    assert stage.find(QPushButton, "Cancel").isDefault()
    stage.find(QPushButton, "Cancel").click()
    assert opened == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "ftp://x/y", ""])
async def test_other_addresses_are_refused(stage: Stage, opened: list[str], address: str) -> None:
    await stage.begin()
    stage.window.presenter.ask_link(address)
    assert stage.window.toast.isVisible()
    assert stage.window.findChild(QDialog, "Open this link?") is None
    assert opened == []


async def test_a_toast_goes_by_itself(stage: Stage) -> None:
    await stage.begin()
    stage.window.presenter.toast("In passing", seconds=0.05)
    assert stage.window.toast.isVisible()
    await stage.until(lambda: not stage.window.toast.isVisible())
