"""`lamplight cache`."""

from __future__ import annotations

import json

import pytest

from app.cli.arguments import parse
from app.cli.commands import DONE, FAILED, Cache
from app.domain.errors import EngineError
from tests.unit.cli.terminal import at_terminal
from tests.unit.services.world import World


def test_the_words() -> None:
    assert parse(["cache"]) == Cache(None)
    assert parse(["--profile", "p", "cache", "clear", "--json"]) == Cache("p", True, True)
    with pytest.raises(SystemExit) as raised:
        parse(["cache", "burn"])
    assert raised.value.code == 2


def test_it_tells_how_much_is_kept() -> None:
    assert at_terminal(Cache(None)).out == "93.0 MB of read conversations are kept.\n"


def test_it_clears() -> None:
    outcome = at_terminal(Cache(None, clear=True, json=True))
    assert outcome.status == DONE
    assert json.loads(outcome.out) == {"kept_bytes": 0}


def test_what_cannot_be_removed_is_said() -> None:
    def locked(w: World) -> None:
        async def forget(tag: str | None) -> None:
            raise EngineError("It could not be removed.")

        w.engine.forget = forget

    outcome = at_terminal(Cache(None, clear=True), locked)
    assert outcome.status == FAILED
    assert "It could not be removed." in outcome.err
