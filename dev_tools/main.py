"""The commands of dev.py."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Callable, NamedTuple, Sequence

from dev_tools import suite
from dev_tools.console import Stop, call, say, use_utf8
from dev_tools.environment import Environment, Wishes
from dev_tools.lockfile import write_lock
from dev_tools.native import BACKENDS


class Command(NamedTuple):
    """One word after dev.py."""

    arguments: str
    about: str
    run: Callable[[Environment, Sequence[str]], int]


def main(arguments: Sequence[str]) -> int:
    """Run dev.py with these arguments and return its exit status."""
    use_utf8()
    name, rest = (arguments[0] if arguments else "--help"), arguments[1:]
    if name in ("-h", "--help", "help"):
        print(_help())
        return 0
    command = COMMANDS.get(name)
    if command is None:
        say(f"dev.py knows no {name!r}.\n\n{_help()}")
        return 2
    try:
        return command.run(Environment(Path(__file__).resolve().parent.parent), rest)
    except Stop as stop:
        say(f"dev.py: {stop}")
        return 1
    except KeyboardInterrupt:
        say("dev.py: interrupted")
        return 130


def _setup(environment: Environment, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="dev.py setup", description=COMMANDS["setup"].about)
    parser.add_argument("--backend", choices=BACKENDS, help="what llama.cpp computes with")
    parser.add_argument("--python", metavar="PATH", help="make the environment with this Python")
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    asked = parser.parse_args(arguments)
    environment.ensure(Wishes(asked.backend, asked.python), for_tests=asked.tests)
    say("Ready: python3 dev.py run")
    return 0


def _run(environment: Environment, arguments: Sequence[str]) -> int:
    environment.ensure()
    return _become(environment, ["-m", "app", *arguments])


def _test(environment: Environment, arguments: Sequence[str]) -> int:
    environment.ensure(for_tests=True)
    return suite.run_tests(environment, arguments)


def _check(environment: Environment, arguments: Sequence[str]) -> int:
    _no_arguments("check", arguments)
    environment.ensure()
    return suite.run_checks(environment)


def _fix(environment: Environment, arguments: Sequence[str]) -> int:
    _no_arguments("fix", arguments)
    environment.ensure()
    return suite.run_fixes(environment)


def _bench(environment: Environment, arguments: Sequence[str]) -> int:
    environment.ensure()
    return _become(environment, ["-m", "tests.bench", *arguments])


def _screenshots(environment: Environment, arguments: Sequence[str]) -> int:
    _no_arguments("screenshots", arguments)
    environment.ensure(for_tests=True)
    return _become(environment, ["-m", "tests.screenshots"])


def _lock(environment: Environment, arguments: Sequence[str]) -> int:
    _no_arguments("lock", arguments)
    write_lock(environment.root)
    return 0


def _become(environment: Environment, arguments: Sequence[str]) -> int:
    """Go on as the environment's Python: same terminal, same process, same signals."""
    os.environ["PYTHONPATH"] = str(environment.root)
    command = [str(environment.python), *arguments]
    if os.name != "nt":
        sys.stderr.flush()
        os.execv(command[0], command)
    # Windows' own exec returns to the shell while the program still runs, so it is not used there.
    return call(command, Path.cwd())


def _no_arguments(name: str, arguments: Sequence[str]) -> None:
    if arguments:
        raise Stop(f"{name} takes no arguments.")


def _help() -> str:
    rows = [(f"{name} {command.arguments}", command.about) for name, command in COMMANDS.items()]
    width = max(len(usage) for usage, _ in rows)
    lines = [f"  {usage:{width}}  {about}" for usage, about in rows]
    return "\n".join(["usage: python3 dev.py COMMAND …", "", *lines])


# A new command is one line here and one function above.
COMMANDS = {
    "run": Command("[ARGUMENTS…]", "open the window (or run the command line)", _run),
    "test": Command("[PYTEST ARGUMENTS…]", "run the tests, or those named", _test),
    "check": Command("", "formatting, lint, types, import contracts, size caps", _check),
    "fix": Command("", "format, and put right what can be put right by itself", _fix),
    "bench": Command("NAME [--json FILE]", "measure: engine, fit, soak, stalls, startup", _bench),
    "screenshots": Command("", "take the pictures in docs/images anew", _screenshots),
    "setup": Command("[--backend NAME] [--python PATH]", "make .venv; all others do, too", _setup),
    "lock": Command("", "resolve pyproject.toml anew and write requirements.lock", _lock),
}
