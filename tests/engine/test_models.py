"""The list of models, what is added to it, and downloads from a hub on this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import model_catalog
from engine.errors import BadRequestError, EngineUnavailableError, OutputError, WeightsError
from engine.model_catalog import CATALOGUE, CatalogueEntry, add_model, find_entry
from engine.model_download import download_model
from engine.model_registry import find_installed, installed_models, models_folder
from engine.models_cli import main
from engine.vace.files.weights import find_lora, find_model
from tests.support.hub_stub import HubStub
from tests.support.tiny_wan import build_tiny_wan

torch = pytest.importorskip("torch")
from safetensors.torch import load_file, save_file  # noqa: E402

MODEL = CatalogueEntry("tiny", "model", "A tiny model", "someone/tiny", CATALOGUE[0].patterns, "Apache-2.0", 0.001)
LORA = CatalogueEntry("small-lora", "lora", "A LoRA", "someone/tiny", ("loras/a.safetensors",), "Apache-2.0", 0.001)
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def _without_the_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists begin empty."""
    monkeypatch.setattr("engine.model_registry.starter_model", lambda: None)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("tiny"))


def _lora(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    name = "diffusion_model.blocks.0.self_attn.q"
    save_file({f"{name}.lora_down.weight": torch.ones(2, 24), f"{name}.lora_up.weight": torch.ones(24, 2)}, path)
    return path


@pytest.fixture
def hub(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStub]:
    folder = shutil.copytree(tiny, tmp_path / "repository")
    _lora(folder / "loras/a.safetensors")
    (folder / "evil.bin").write_bytes(b"pickle")
    with HubStub(folder, "someone/tiny").served() as stub:
        monkeypatch.setenv("HF_ENDPOINT", stub.url)
        monkeypatch.setattr(model_catalog, "CATALOGUE", (MODEL, LORA))
        yield stub


# --- the catalogue and what is added ----------------------------------------------------------------------------


def test_every_entry_has_a_licence_a_size_and_a_name_of_its_own() -> None:
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        assert entry.licence and entry.size_gb > 0 and entry.repository.count("/") == 1
        assert not any(pattern.endswith((".bin", ".pt", ".pth", ".ckpt")) for pattern in entry.patterns)
        assert find_entry(entry.name) is entry
    with pytest.raises(BadRequestError, match=r"no model 'nothing' is known; there are: wan2\.1-vace-1\.3b, "):
        find_entry("nothing")


def test_a_folder_and_files_are_known_by_name_afterwards(tiny: Path, tmp_path: Path) -> None:
    tensors = load_file(tiny / WEIGHTS)
    module, base = tmp_path / "module.safetensors", tmp_path / "base.safetensors"
    save_file({name: value for name, value in tensors.items() if name.startswith("vace_")}, module)
    save_file({name: value for name, value in tensors.items() if not name.startswith("vace_")}, base)
    lora = _lora(tmp_path / "lora.safetensors")
    kinds = {path: add_model(path).kind for path in (tiny, tiny / WEIGHTS, module, base, lora)}
    assert list(kinds.values()) == ["model", "model", "module", "base", "lora"]
    assert find_installed(tiny.name) == tiny and find_model(tiny.name) == tiny
    assert find_lora("lora") == lora
    assert installed_models()["module"].size_bytes == module.stat().st_size
    with pytest.raises(WeightsError, match=r"there is no LoRA nothing; choose a \.safetensors file or a name in"):
        find_lora("nothing")


def test_text_encoders_and_vaes_are_parts_with_a_name(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, name, parameter in (
        ("text_encoder/model.safetensors", "words", "text_encoder"),
        ("vae/diffusion_pytorch_model.safetensors", "pixels", "vae"),
    ):
        assert main(["add", str(tiny / part), "--name", name]) == 0
        assert f"use it with --param {parameter}={name}" in capsys.readouterr().out
    assert {entry.name: entry.kind for entry in installed_models().values()} == {"words": "encoder", "pixels": "vae"}


def test_what_could_not_be_confirmed_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["causvid-1.3b"]["unconfirmed"] == ["size"] and rows["wan2.1-vae"]["unconfirmed"] == []
    assert main(["list"]) == 0
    assert "? as far as known, not compared with the publisher's page" in capsys.readouterr().out


def test_a_name_is_taken_once(tiny: Path, tmp_path: Path) -> None:
    first, second = _lora(tmp_path / "a/lora.safetensors"), _lora(tmp_path / "b/lora.safetensors")
    add_model(first)
    with pytest.raises(BadRequestError, match=r"'lora' is the name of .* already; give another one with --name"):
        add_model(second)
    assert add_model(second, "other").name == "other"
    assert add_model(first).path == str(first)
    first.unlink()
    assert set(installed_models()) == {"other"}


def test_what_is_damaged_or_foreign_is_not_added(tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "model")
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is truncated: of the tensor"):
        add_model(folder)
    other = tmp_path / "other.safetensors"
    save_file({"conv.weight": torch.ones(2)}, other)
    with pytest.raises(
        WeightsError,
        match=r"neither a Wan transformer nor a LoRA, UMT5 or Wan's VAE; its first tensor is 'conv\.weight'",
    ):
        add_model(other)
    pickle = tmp_path / "model.ckpt"
    torch.save({}, pickle)
    with pytest.raises(WeightsError, match="pickled checkpoint"):
        add_model(pickle)
    assert installed_models() == {}


@pytest.mark.parametrize("content", ["{", "{}", '[{"name": 1}]', '"x"'])
def test_a_damaged_list_is_an_empty_one(content: str) -> None:
    models_folder().mkdir(parents=True)
    (models_folder() / "installed.json").write_text(content)
    assert installed_models() == {}


# --- downloads --------------------------------------------------------------------------------------------------


def _downloaded(entry: CatalogueEntry) -> list[tuple[str, int, int]]:
    reports: list[tuple[str, int, int]] = []
    download_model(entry, lambda file, done, total: reports.append((file, done, total)))
    return reports


def test_a_model_is_fetched_checked_and_registered(hub: HubStub, tiny: Path) -> None:
    reports = _downloaded(MODEL)
    folder = models_folder() / "tiny"
    assert find_model("tiny") == folder
    for path in tiny.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".safetensors"):
            assert (folder / path.relative_to(tiny)).read_bytes() == path.read_bytes()
    assert not (folder / "evil.bin").exists()
    amounts = [done for _, done, _ in reports]
    assert amounts == sorted(amounts) and amounts[-1] == reports[-1][2] == reports[0][2]
    before = len(hub.requests)
    _downloaded(MODEL)
    assert len(hub.requests) == before


def test_a_lora_is_a_single_file(hub: HubStub) -> None:
    _downloaded(LORA)
    assert find_lora("small-lora") == models_folder() / "small-lora/loras/a.safetensors"
    assert installed_models()["small-lora"].kind == "lora"


def test_a_broken_download_goes_on_where_it_stopped(hub: HubStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    # Written in such pieces; what is short of one is lost.
    monkeypatch.setattr("engine.model_download.PIECE_BYTES", 4096)
    hub.cut_after_bytes[WEIGHTS] = 5 * 4096
    with pytest.raises(EngineUnavailableError) as caught:
        _downloaded(MODEL)
    assert "someone/tiny cannot be downloaded" in str(caught.value)
    assert "run `grayplate models get tiny` again: it goes on where it stopped" in str(caught.value)
    assert "tiny" not in installed_models()
    hub.cut_after_bytes.clear()
    hub.requests.clear()
    _downloaded(MODEL)
    assert [request for request in hub.requests if WEIGHTS in request] == [f"GET {WEIGHTS} bytes=20480-"]
    assert (
        find_model("tiny") and (models_folder() / "tiny" / WEIGHTS).read_bytes() == (hub.folder / WEIGHTS).read_bytes()
    )


@pytest.mark.parametrize("name", [WEIGHTS, "vae/config.json"])
def test_a_file_with_another_checksum_is_removed(hub: HubStub, name: str) -> None:
    hub.corrupt.add(name)
    with pytest.raises(WeightsError, match=rf"{name} of someone/tiny arrived damaged .* `grayplate models get tiny`"):
        _downloaded(MODEL)
    assert not (models_folder() / "tiny" / name).exists()
    hub.corrupt.clear()
    _downloaded(MODEL)
    assert find_model("tiny")


def test_a_file_that_changed_on_disk_is_fetched_again(hub: HubStub) -> None:
    _downloaded(LORA)
    path = find_lora("small-lora")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    _downloaded(LORA)
    assert path.read_bytes() == (hub.folder / "loras/a.safetensors").read_bytes()


def test_a_repository_that_is_gone(hub: HubStub) -> None:
    gone = CatalogueEntry("gone", "model", "", "someone/gone", ("*.safetensors",), "Apache-2.0", 1)
    with pytest.raises(EngineUnavailableError, match="someone/gone cannot be downloaded"):
        _downloaded(gone)
    renamed = CatalogueEntry("renamed", "lora", "", "someone/tiny", ("new.safetensors",), "Apache-2.0", 1)
    with pytest.raises(WeightsError, match=r"someone/tiny no longer has new\.safetensors"):
        _downloaded(renamed)


def test_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EngineUnavailableError, match="cannot be downloaded"):
        _downloaded(MODEL)


def test_no_hub_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.model_download.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="downloads need huggingface_hub, which is not installed: run `pip install"):
        _downloaded(MODEL)


def test_a_full_disk(hub: HubStub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr("engine.model_download.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(OutputError, match=r"the download takes 0\.0 GB and .* has 0\.0 GB free; make room"):
        _downloaded(MODEL)
    assert not [request for request in hub.requests if request.startswith("GET")]


# --- the command ------------------------------------------------------------------------------------------------


def test_the_list_shows_what_there_is_and_where(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_model(tiny, "mine")
    assert main(["list", "--json"]) == 0
    rows: dict[str, Any] = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mine"]["path"] == str(tiny) and rows["mine"]["kind"] == "model"
    assert rows["wan2.1-vace-14b"]["licence"] == "Apache-2.0" and rows["wan2.1-vace-14b"]["path"] == ""
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert all(entry.name in text for entry in CATALOGUE) and "mine" in text


def test_add_and_get_say_how_to_use_it(hub: HubStub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", str(_lora(tmp_path / "style.safetensors"))]) == 0
    assert "use it with --param lora_1=style" in capsys.readouterr().out
    assert main(["get", "tiny"]) == 0
    assert "use it with --param model=tiny" in capsys.readouterr().out
    assert main(["get", "nothing"]) == 2
    assert "no model 'nothing' is known" in capsys.readouterr().err
    assert main(["add", str(tmp_path / "absent")]) == 2
    assert "there is no model folder" in capsys.readouterr().err


def test_a_failed_and_a_cancelled_download_have_their_exit_codes(
    hub: HubStub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.model_download.download_model", interrupt)
    assert main(["get", "tiny"]) == 130
    assert "the same command goes on where it stopped" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert main(["get", "wan2.1-vace-1.3b"]) == 1
