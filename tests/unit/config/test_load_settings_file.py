"""The file of how each model is loaded: read with care, and nobody's words in it are lost."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.load_settings_file import LoadSettingsFile
from app.domain.errors import ConfigError
from app.domain.load_params import Adapter, LoadParams, bounded
from tests.unit.store.protected import read_only

MODEL = '/home/ada/my "models"/some model.gguf'
CHANGED = LoadParams(
    context_length=16_384,
    gpu_layers=0,
    key_type="q8_0",
    value_type="f32",
    threads=3,
    prompt_threads=4,
    batch=1024,
    micro_batch=256,
    flash_attention="on",
    tensor_split=(3.0, 1.5),
    main_device=1,
    mmap=False,
    mlock=True,
    rope_scaling="yarn",
    rope_factor=4.0,
    rope_base=1e6,
    full_window_cache=True,
    adapters=(Adapter("/a b.gguf", 0.5), Adapter('C:\\x"y".gguf', -1.0)),
    template="{{ messages }}\n✓",
    draft_path="/draft.gguf",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "models.toml"


def test_a_missing_file_means_defaults(file: Path) -> None:
    kept = LoadSettingsFile(file)
    assert kept.params(MODEL) == LoadParams()
    assert kept.threads("here") is None
    assert not file.exists()


def test_everything_is_kept_by_model(file: Path) -> None:
    LoadSettingsFile(file).keep_params(MODEL, CHANGED)
    later = LoadSettingsFile(file)
    assert later.params(MODEL) == CHANGED
    assert later.params("/another.gguf") == LoadParams()


def test_it_holds_in_this_process_too(file: Path) -> None:
    kept = LoadSettingsFile(file)
    assert kept.params(MODEL) == LoadParams()
    kept.keep_params(MODEL, CHANGED)
    assert kept.params(MODEL) == CHANGED


@given(
    st.builds(
        LoadParams,
        context_length=st.none() | st.integers(64, 10**6),
        batch=st.integers(128, 8192),
        rope_factor=st.floats(0, 64),
        tensor_split=st.lists(st.floats(0, 100), max_size=4).map(tuple),
        template=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_kept_comes_back(file: Path, params: LoadParams) -> None:
    sound = bounded(params)
    LoadSettingsFile(file).keep_params(MODEL, sound)
    assert LoadSettingsFile(file).params(MODEL) == sound


def test_defaults_are_not_written(file: Path) -> None:
    kept = LoadSettingsFile(file)
    kept.keep_params(MODEL, LoadParams(key_type="q8_0", batch=512))
    assert tomllib.loads(file.read_text())["models"] == {MODEL: {"key_type": "q8_0"}}
    kept.keep_params(MODEL, LoadParams())
    assert "models" not in tomllib.loads(file.read_text())


def test_threads_are_kept_by_machine(file: Path) -> None:
    kept = LoadSettingsFile(file)
    kept.keep_threads("here", 7)
    kept.keep_threads("there", 3)
    later = LoadSettingsFile(file)
    assert (later.threads("here"), later.threads("there")) == (7, 3)
    later.keep_threads("here", None)
    assert LoadSettingsFile(file).threads("here") is None


def test_words_and_unknown_keys_stay(file: Path) -> None:
    file.write_text(f"# mine\n[models.'{MODEL}']\nbatch = 256 # small\nhyperdrive = true\n")
    kept = LoadSettingsFile(file)
    assert kept.params(MODEL).batch == 256
    kept.keep_params(MODEL, LoadParams(threads=2))
    text = file.read_text()
    assert "# mine" in text
    assert tomllib.loads(text)["models"][MODEL] == {"hyperdrive": True, "threads": 2}


@pytest.mark.parametrize(
    "line",
    ["context_length = 'long'", "key_type = 'q9_9'", "key_type = ['f16']", "mmap = 1",
     "threads = 1.5", "adapters = ['x.gguf']", "adapters = [{scale = 1}]", "tensor_split = ['a']",
     "rope_factor = '2'", "template = 5"],
)  # fmt: skip
def test_a_bad_value_is_its_default_and_said(file: Path, line: str, expected_logs: object) -> None:
    expected_logs.expect("could not be used")  # pyright: ignore
    file.write_text(f"[models.'{MODEL}']\n{line}\nbatch = 256\n")
    assert LoadSettingsFile(file).params(MODEL) == LoadParams(batch=256)


def test_numbers_out_of_bounds_are_brought_within(file: Path) -> None:
    file.write_text(f"[models.'{MODEL}']\nthreads = 100000\nrope_factor = nan\n")
    assert LoadSettingsFile(file).params(MODEL) == LoadParams(threads=512)


@pytest.mark.parametrize("text", ["models = 3", "models = ['x']", f"[models]\n'{MODEL}' = 3"])
def test_other_things_in_the_place_of_tables_give_way(file: Path, text: str) -> None:
    file.write_text(text)
    kept = LoadSettingsFile(file)
    assert kept.params(MODEL) == LoadParams()
    kept.keep_params(MODEL, LoadParams(threads=2))
    assert LoadSettingsFile(file).params(MODEL) == LoadParams(threads=2)


@pytest.mark.parametrize("damage", ["[models", "\udcff"])
def test_a_damaged_file_is_set_aside_before_it_is_written(
    file: Path, damage: str, expected_logs: object
) -> None:
    expected_logs.expect("could not be read")  # pyright: ignore
    file.write_bytes(damage.encode("utf-8", "surrogateescape"))
    kept = LoadSettingsFile(file)
    assert kept.params(MODEL) == LoadParams()
    kept.keep_params(MODEL, CHANGED)
    assert LoadSettingsFile(file).params(MODEL) == CHANGED
    (aside,) = file.parent.glob("models-damaged-*")
    assert aside.read_bytes() == damage.encode("utf-8", "surrogateescape")


def test_what_cannot_be_written_holds_and_is_said(file: Path) -> None:
    kept = LoadSettingsFile(file)
    with read_only(file.parent), pytest.raises(ConfigError, match="can't be saved"):
        kept.keep_params(MODEL, CHANGED)
    assert kept.params(MODEL) == CHANGED


def test_what_only_reads_writes_nothing(file: Path) -> None:
    LoadSettingsFile(file).keep_params(MODEL, CHANGED)
    before = file.read_bytes()
    passing = LoadSettingsFile(None, read_from=file)
    assert passing.params(MODEL) == CHANGED
    passing.keep_params(MODEL, LoadParams())
    assert passing.params(MODEL) == LoadParams()
    assert file.read_bytes() == before
