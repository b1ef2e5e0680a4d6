"""The guards themselves: each fails the test that it should fail, and lets the others be."""

from __future__ import annotations

import pytest

from tests.helpers.guards import is_this_machine
from tests.helpers.inner_pytest import outcomes_of

# Each test says by its name what must become of it.
_TESTS = """
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.helpers import guards

guards.GRACE_SECONDS = 0.3
log = logging.getLogger("app.planted")


def test_profile_is_its_own_passes(profile, tmp_path):
    assert Path(os.environ["LAMPLIGHT_HOME"]) == profile
    assert tmp_path in profile.parents


def test_connect_outside_errors():
    socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_connect_outside_swallowed_errors():
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    except BaseException:
        pass


def test_name_lookup_errors():
    try:
        socket.getaddrinfo("example.invalid", 80)
    except BaseException:
        pass


def test_datagram_outside_errors():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(b"x", ("192.0.2.1", 9))
        except BaseException:
            pass


def test_loopback_passes():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        server.accept()[0].close()


def test_daemon_thread_left_errors():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def test_thread_that_ends_passes():
    threading.Thread(target=time.sleep, args=(0.05,)).start()


def test_process_left_errors():
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(5)"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Forgotten, but without the ResourceWarning that would tell on it first.
    process.returncode = 0


def test_process_that_ends_passes():
    subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.fixture(scope="module")
def wide():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_thread_of_a_wider_fixture_passes(wide):
    pass


def test_warning_errors():
    log.warning("something is wrong")


def test_information_passes():
    log.info("all is well")


def test_expected_warning_passes(expected_logs):
    expected_logs.expect("something is w.ong")
    log.warning("something is wrong")


def test_other_warning_errors(expected_logs):
    expected_logs.allow("something else")
    log.error("something is wrong")


def test_expected_warning_that_never_comes_errors(expected_logs):
    expected_logs.expect("something is wrong")


def test_allowed_warning_that_never_comes_passes(expected_logs):
    expected_logs.allow("something is wrong")
"""


def test_each_guard_fails_what_it_should(tmp_path_factory: pytest.TempPathFactory) -> None:
    outcomes = outcomes_of(_TESTS, tmp_path_factory.mktemp("inner"), "-p", "no:pytest-qt")
    assert len(outcomes) == _TESTS.count("\ndef test_")
    wrong = {name: said for name, said in outcomes.items() if not name.endswith(said)}
    assert wrong == {}


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "", None, b"localhost"]
)
def test_this_machine(host: object) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "example.invalid", "2001:db8::1", 7])
def test_another_machine(host: object) -> None:
    assert not is_this_machine(host)
