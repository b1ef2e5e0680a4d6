"""After the first paint everything is imported that an answer needs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import cast

import pytest
from pygments.lexers import get_lexer_by_name

from app.gui.transcript.readiness import LANGUAGES

# In a process of its own: other tests have imported everything here.
_SCRIPT = """
import json, sys
from app.gui.transcript import readiness
from app.gui.transcript.highlight import Colouring
from app.gui.transcript.markdown import inline_runs
from app.gui.transcript.reader import MarkdownReader
from tests.gui.transcript.samples import EVERYTHING

before = set(sys.modules)
readiness.import_readers()
ready = set(sys.modules)
MarkdownReader().finish(EVERYTHING)
inline_runs("*a* `b` [c](https://example.com)", {})
for language in readiness.LANGUAGES:
    Colouring("def f(x):\\n    return 1  # two\\n", language).advance()
print(json.dumps([sorted(ready - before), sorted(set(sys.modules) - ready)]))
"""


def imported() -> tuple[list[str], list[str]]:
    """What is imported while getting ready, and what by an answer thereafter."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    return cast("tuple[list[str], list[str]]", json.loads(done.stdout))


def test_an_answer_imports_nothing_more() -> None:
    ready, later = imported()
    assert {"markdown_it", "pygments.lexers.python", "pygments.lexers.css"} <= set(ready)
    assert later == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_lexer(language: str) -> None:
    assert get_lexer_by_name(language)
