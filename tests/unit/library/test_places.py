"""Other applications' folders: found on each system, read, shown, and left as they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath

import pytest

from app.domain.library import Capability, Origin, Refusal
from app.library.places.known import Surroundings, application_places
from tests.helpers.model_folders import (
    OLDER_COMMIT,
    Home,
    all_six,
    gguf,
    in_hub,
    in_jan,
    in_llamacpp,
    in_ollama,
    projector_gguf,
    put,
    state_of,
    without_links,
)
from tests.unit.library.looking import look, one, the_refused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def place(around: Surroundings, origin: Origin) -> str:
    """Where an application's models are looked for."""
    found = [place.path for place in application_places(around) if place.origin is origin]
    assert len(found) == 1
    return PurePosixPath(found[0].replace("\\", "/")).as_posix()


def test_all_six_are_recognised_and_nothing_in_them_changes(home: Home):
    paths = all_six(home)
    before = state_of(home.path)
    found = look(home)
    assert found.refused == ()
    assert {entry.origin.value: entry.path for entry in found.entries} == {
        name: str(path) for name, path in paths.items()
    }
    assert not any(entry.is_own for entry in found.entries)
    assert state_of(home.path) == before


def test_what_is_switched_off_is_not_looked_at(home: Home):
    all_six(home)
    found = look(home, switched_off=frozenset({Origin.OLLAMA, Origin.JAN}))
    assert Origin.OLLAMA not in {entry.origin for entry in found.entries}
    off = {folder.origin for folder in found.folders if not folder.is_looked_at}
    assert off == {Origin.OLLAMA, Origin.JAN}
    assert all(folder.is_there for folder in found.folders if folder.origin.is_application)


@pytest.mark.parametrize(
    ("system", "origin", "path"),
    [
        ("linux", Origin.HUGGING_FACE, "/h/.cache/huggingface/hub"),
        ("darwin", Origin.HUGGING_FACE, "/h/.cache/huggingface/hub"),
        ("win32", Origin.HUGGING_FACE, "/h/.cache/huggingface/hub"),
        ("linux", Origin.LM_STUDIO, "/h/.lmstudio/models"),
        ("linux", Origin.OLLAMA, "/h/.ollama/models"),
        ("linux", Origin.JAN, "/h/.local/share/Jan/data"),
        ("darwin", Origin.JAN, "/h/Library/Application Support/Jan/data"),
        ("win32", Origin.JAN, "/h/AppData/Roaming/Jan/data"),
        ("linux", Origin.GPT4ALL, "/h/.local/share/nomic.ai/GPT4All"),
        ("darwin", Origin.GPT4ALL, "/h/Library/Application Support/nomic.ai/GPT4All"),
        ("win32", Origin.GPT4ALL, "/h/AppData/Local/nomic.ai/GPT4All"),
        ("linux", Origin.LLAMA_CPP, "/h/.cache/llama.cpp"),
        ("darwin", Origin.LLAMA_CPP, "/h/Library/Caches/llama.cpp"),
        ("win32", Origin.LLAMA_CPP, "/h/AppData/Local/llama.cpp"),
    ],
)
def test_where_each_application_keeps_its_models(system: str, origin: Origin, path: str):
    assert place(Surroundings(system, "/h", {}), origin) == path


@pytest.mark.parametrize(
    ("variable", "value", "origin", "path"),
    [
        ("HF_HUB_CACHE", "/x", Origin.HUGGING_FACE, "/x"),
        ("HF_HOME", "/x", Origin.HUGGING_FACE, "/x/hub"),
        ("XDG_CACHE_HOME", "/x", Origin.HUGGING_FACE, "/x/huggingface/hub"),
        ("OLLAMA_MODELS", "/x", Origin.OLLAMA, "/x"),
        ("LLAMA_CACHE", "/x", Origin.LLAMA_CPP, "/x"),
        ("JAN_DATA_FOLDER", "/x", Origin.JAN, "/x"),
    ],
)
def test_a_variable_tells_where_they_are(variable: str, value: str, origin: Origin, path: str):
    assert place(Surroundings("linux", "/h", {variable: value}), origin) == path


def test_lm_studio_may_have_been_moved(home: Home):
    put(home.path / ".lmstudio-home-pointer", str(home.path / "lms").encode())
    assert place(home.around, Origin.LM_STUDIO) == str(home.path / "lms/models")
    settings = json.dumps({"downloadsFolder": "/big/models"}).encode()
    put(home.path / "lms/settings.json", settings)
    assert place(home.around, Origin.LM_STUDIO) == "/big/models"


def test_an_older_lm_studio_is_found(home: Home):
    (home.path / ".cache/lm-studio").mkdir(parents=True)
    assert place(home.around, Origin.LM_STUDIO) == str(home.path / ".cache/lm-studio/models")


def test_jan_and_gpt4all_may_have_been_moved(home: Home):
    put(home.jan.parent / "settings.json", json.dumps({"data_folder": "/big/jan"}).encode())
    assert place(home.around, Origin.JAN) == "/big/jan"
    put(home.path / ".config/nomic.ai/GPT4All.ini", b"[General]\nmodelPath=/big/gpt\n")
    assert place(home.around, Origin.GPT4ALL) == "/big/gpt"


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"downloadsFolder": 3}', b"\xff\xfe{"])
def test_settings_that_make_no_sense_leave_the_usual_place(home: Home, content: bytes):
    put(home.path / ".lmstudio/settings.json", content)
    assert place(home.around, Origin.LM_STUDIO) == str(home.lmstudio)


# ------------------------------------------------------------------------------- Hugging Face


def test_the_hub_cache_tells_repository_and_hash(home: Home):
    content = gguf()
    in_hub(home, "ada/small-GGUF", {"sub/small.gguf": content, "README.md": b"x"})
    entry = one(look(home))
    assert entry.source == "ada/small-GGUF"
    assert entry.sha256 == hashlib.sha256(content).hexdigest()


def test_a_cache_without_links_is_read_too(home: Home):
    without_links(in_hub(home, "ada/small-GGUF", {"small.gguf": gguf()}))
    entry = one(look(home))
    assert (entry.source, entry.sha256) == ("ada/small-GGUF", "")


def test_the_current_snapshot_goes_before_older_ones(home: Home):
    old = {"a.gguf": gguf(general__name="old a"), "b.gguf": gguf(general__name="old b")}
    in_hub(home, "ada/two", old, OLDER_COMMIT)
    now = in_hub(home, "ada/two", {"a.gguf": gguf(general__name="new a")})
    found = {entry.path for entry in look(home).entries}
    assert found == {str(now / "a.gguf"), str(now.parent / OLDER_COMMIT / "b.gguf")}


def test_a_download_of_the_hub_that_has_not_ended_is_told(home: Home):
    in_hub(home, "ada/small-GGUF", {"small.gguf": gguf()})
    put(home.hub / "models--ada--small-GGUF/blobs/abc.def.incomplete", b"GGUF")
    file = the_refused(look(home))
    assert file.refusal is Refusal.INCOMPLETE
    assert "ada/small-GGUF" in file.error.title


def test_a_link_that_leads_nowhere_is_incomplete(home: Home):
    snapshot = in_hub(home, "ada/small-GGUF", {"small.gguf": gguf()})
    (snapshot / "small.gguf").resolve().unlink()
    assert the_refused(look(home)).refusal is Refusal.INCOMPLETE


# ------------------------------------------------------------------------------------- Ollama


def test_ollama_tells_name_system_prompt_and_parameters(home: Home):
    parameters = {"temperature": 0.3, "top_k": 5, "stop": ["<end>"], "num_ctx": 4096, "top_p": 99}
    layers = {
        "system": "You are a pirate.\n",
        "params": json.dumps(parameters),
        "template": "{{ if .Tools }}{{ .Tools }}{{ end }}",
    }
    in_ollama(home, "registry.ollama.ai/library/pirate/7b", gguf(), layers)
    entry = one(look(home))
    defaults = entry.model.defaults
    assert (entry.name, entry.source) == ("pirate:7b", "pirate:7b")
    assert defaults.system_prompt == "You are a pirate."
    assert dict(defaults.sampling) == {"temperature": 0.3, "top_k": 5}
    assert defaults.stop == ("<end>",)
    assert Capability.TOOLS in entry.capabilities


def test_several_names_of_one_model_are_one_entry(home: Home):
    for tag in ("latest", "7b-instruct"):
        in_ollama(home, f"registry.ollama.ai/library/pirate/{tag}", gguf())
    in_ollama(home, "hf.co/ada/small-GGUF/Q4_K_M", gguf())
    entry = one(look(home))
    assert entry.name == "pirate:latest"
    assert entry.also_named == ("hf.co/ada/small-GGUF:Q4_K_M", "pirate:7b-instruct")


def test_ollama_sees_with_the_projector_of_its_manifest(home: Home):
    in_ollama(home, "registry.ollama.ai/ada/eye/1b", gguf(), {"projector": projector_gguf()})
    entry = one(look(home))
    assert Capability.VISION in entry.capabilities
    assert entry.projector == entry.files[1]


def test_what_only_ollama_can_use_is_told(home: Home):
    in_ollama(home, "registry.ollama.ai/library/safe/1b", None, {"tensor": b"x"})
    in_ollama(home, "registry.ollama.ai/library/oss/1b", gguf(general__architecture="gptoss"))
    refused = look(home).refused
    assert [file.refusal for file in refused] == [Refusal.UNSUPPORTED] * 2
    assert all("Ollama" in file.error.title for file in refused)


def test_a_model_of_ollama_without_its_weights_is_incomplete(home: Home):
    weights = in_ollama(home, "registry.ollama.ai/library/gone/1b", gguf())
    assert weights is not None
    weights.unlink()
    put(home.ollama / "blobs" / f"sha256-{'a' * 64}-partial", b"x")
    found = look(home)
    assert found.entries == ()
    assert {file.refusal for file in found.refused} == {Refusal.INCOMPLETE}
    assert any("gone:1b" in file.error.title for file in found.refused)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"layers": [{}]}', b'{"layers": 3}', b"\xff"])
def test_a_manifest_that_makes_no_sense_is_passed_over(home: Home, content: bytes):
    in_ollama(home, "registry.ollama.ai/library/good/1b", gguf())
    put(home.ollama / "manifests/registry.ollama.ai/library/bad/1b", content)
    assert one(look(home)).name == "good:1b"


# ------------------------------------------------------------------- Jan, GPT4All, llama.cpp


def test_jan_tells_names_projector_and_hash(home: Home):
    content = gguf()
    digest = hashlib.sha256(content).hexdigest()
    projector = put(home.jan / "llamacpp/models/cleo/see/mmproj.gguf", projector_gguf())
    path = str(projector.relative_to(home.jan))
    in_jan(home, "cleo/see", content, name="'See''er'", mmproj_path=path, model_sha256=digest)
    entry = one(look(home))
    assert (entry.name, entry.sha256, entry.projector) == ("See'er", digest, str(projector))
    assert look(home).refused == ()


def test_a_model_that_jan_uses_where_it_lies_is_jan_s(home: Home):
    elsewhere = put(home.path / "Downloads/big.gguf", gguf())
    path = in_jan(home, "cleo/big", b"", model_path=str(elsewhere))
    path.unlink()
    entry = one(look(home, chosen=(str(home.path / "Downloads"),)))
    assert (entry.origin, entry.path) == (Origin.JAN, str(elsewhere))


def test_what_jan_is_fetching_is_incomplete(home: Home):
    path = in_jan(home, "cleo/part", gguf())
    path.rename(path.with_name("model.gguf.tmp"))
    assert the_refused(look(home)).refusal is Refusal.INCOMPLETE


def test_what_lm_studio_and_gpt4all_are_fetching_is_incomplete(home: Home):
    put(home.lmstudio / "a/b/downloading_c.gguf.part", b"GGUF")
    put(home.gpt4all / "incomplete-d.gguf", b"GGUF")
    put(home.gpt4all / "key.rmodel", b"{}")
    refused = look(home).refused
    assert [file.refusal for file in refused] == [Refusal.INCOMPLETE] * 2
    assert "GPT4All" in refused[0].error.title + refused[1].error.title


def test_llama_cpp_tells_repository_and_hash_by_its_manifest(home: Home):
    content = gguf()
    in_llamacpp(home, "dora", "old-GGUF", "old.gguf", content)
    entry = one(look(home))
    assert entry.source == "dora/old-GGUF"
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
