"""What libgomp is told before it is loaded: in processes of their own, which load it anew."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.engine.native.openmp import SPINS

_LOAD = "import os; from app.engine.native import bindings; print('GOMP_SPINCOUNT' in os.environ)"


def loaded_with(**settings: str) -> subprocess.CompletedProcess[str]:
    """libgomp tells what it has understood."""
    clean = {key: value for key, value in os.environ.items() if "OMP" not in key}
    environment = {**clean, "OMP_DISPLAY_ENV": "VERBOSE", **settings}
    ran = subprocess.run(
        [sys.executable, "-c", _LOAD], env=environment, capture_output=True, text=True, check=True
    )
    if "GOMP_SPINCOUNT" not in ran.stderr:
        pytest.skip("this build of llama.cpp does not use GNU's OpenMP")
    return ran


def test_threads_spin_for_a_moment_only() -> None:
    ran = loaded_with()
    assert f"GOMP_SPINCOUNT = '{SPINS}'" in ran.stderr
    assert ran.stdout.strip() == "False", "other programs would inherit it"


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_what_a_person_has_set_holds(name: str) -> None:
    ran = loaded_with(**{name: {"GOMP_SPINCOUNT": "77"}.get(name, "PASSIVE")})
    assert f"GOMP_SPINCOUNT = '{SPINS}'" not in ran.stderr
