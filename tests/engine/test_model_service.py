"""The routes of the models on a real engine, with a hub on this machine: list, download, cancel, go on, add, remove."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.client import EngineClient
from engine.errors import BadRequestError, RenderFailedError, WeightsError
from engine.model_catalog import CATALOGUE
from engine.model_registry import STARTER_NAME
from engine.protocol import ModelDownload, ModelInfo
from tests.support.engine_process import EngineProcess, running_engine, wait_until
from tests.support.hub_stub import HubStub
from tests.support.tiny_wan import build_tiny_wan

torch = pytest.importorskip("torch")
from safetensors.torch import load_file, save_file  # noqa: E402

NAME = "wan2.1-vae"
FILE = "split_files/vae/wan_2.1_vae.safetensors"
REPOSITORY = "Comfy-Org/Wan_2.1_ComfyUI_repackaged"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def hub(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubStub]:
    """A small VAE where the publisher of the real one has it."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / FILE).parent.mkdir(parents=True)
    tensors = load_file(tiny / "vae/diffusion_pytorch_model.safetensors")
    save_file({**tensors, "decoder.padding": torch.zeros(2**20)}, folder / FILE)  # long enough to be cancelled
    with HubStub(folder, REPOSITORY).served() as stub:
        yield stub


@pytest.fixture(scope="module")
def engine(hub: HubStub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("GRAYPLATE_MODELS", str(tmp_path_factory.mktemp("models")))
        with running_engine(tmp_path_factory.mktemp("engine")) as engine:
            yield engine


@pytest.fixture
def client(engine: EngineProcess, hub: HubStub) -> Iterator[EngineClient]:
    yield engine.client
    hub.slow_s = 0.0
    hub.corrupt.clear()
    if any(model.name == NAME and (model.path or model.fetched_bytes) for model in engine.client.models().models):
        engine.client.remove_model(NAME)


def model(client: EngineClient, name: str) -> ModelInfo:
    return next(model for model in client.models().models if model.name == name)


def downloaded(client: EngineClient) -> list[ModelDownload]:
    client.download_model(NAME)
    return list(client.download_events(NAME))


def test_the_list_holds_the_starter_and_the_catalogue(client: EngineClient) -> None:
    known = client.models()
    assert known.models[0].name == STARTER_NAME
    assert {entry.name for entry in CATALOGUE} <= {entry.name for entry in known.models}
    starter = known.models[0]
    assert starter.is_bundled and starter.path and not starter.is_downloaded
    large = model(client, "wan2.1-vace-14b")
    assert (large.path, large.licence, large.memory_gb, large.least_memory_gb) == ("", "Apache-2.0", 45, 9)
    assert large.title == "Wan 2.1 VACE 14B" and large.purpose.startswith("Paints what no frame shows")
    assert known.free_bytes > 0 and known.missing_packages == ()


def test_a_download_tells_how_far_it_is_and_installs(client: EngineClient, hub: HubStub) -> None:
    events = downloaded(client)
    assert [event.state for event in events][-1] == "done" and not events[-1].error
    size = (hub.folder / FILE).stat().st_size
    assert (events[-1].done_bytes, events[-1].total_bytes) == (size, size)
    assert [event.done_bytes for event in events] == sorted(event.done_bytes for event in events)
    here = model(client, NAME)
    assert Path(here.path).read_bytes() == (hub.folder / FILE).read_bytes()
    assert here.is_downloaded and here.kind == "vae" and here.download == events[-1]


def test_what_is_cancelled_goes_on_where_it_stopped(client: EngineClient, hub: HubStub) -> None:
    hub.slow_s = 0.1
    client.download_model(NAME)
    wait_until(lambda: model(client, NAME).fetched_bytes > 0)
    with pytest.raises(BadRequestError, match="is being downloaded; cancel that first"):
        client.remove_model(NAME)
    client.cancel_download(NAME)
    assert list(client.download_events(NAME))[-1].state == "cancelled"
    kept = model(client, NAME)
    assert kept.path == "" and kept.fetched_bytes > 0
    hub.slow_s = 0.0
    hub.requests.clear()
    assert downloaded(client)[-1].state == "done"
    assert hub.requests == [f"GET {FILE} bytes={kept.fetched_bytes}-"]


def test_a_damaged_file_is_a_failure_that_says_so(client: EngineClient, hub: HubStub) -> None:
    hub.corrupt.add(FILE)
    failed = downloaded(client)[-1]
    assert failed.state == "failed" and failed.error is not None
    assert "arrived damaged" in failed.error.message and failed.error.about == "models"
    assert model(client, NAME).path == ""


def test_an_own_folder_is_added_and_only_forgotten(client: EngineClient, tiny: Path, tmp_path: Path) -> None:
    mine = client.add_model(str(tiny), "mine")
    assert (mine.name, mine.kind, mine.path, mine.is_downloaded) == ("mine", "model", str(tiny), False)
    assert model(client, "mine") == mine
    with pytest.raises(WeightsError, match="there is no model folder"):
        client.add_model(str(tmp_path / "nothing"))
    client.remove_model("mine")
    assert tiny.is_dir() and "mine" not in {entry.name for entry in client.models().models}


def test_a_downloaded_one_is_deleted(client: EngineClient) -> None:
    downloaded(client)
    path = Path(model(client, NAME).path)
    client.remove_model(NAME)
    assert not path.exists() and model(client, NAME).path == "" and model(client, NAME).download is None
    with pytest.raises(BadRequestError, match="is installed; it may have been removed already"):
        client.remove_model(NAME)


@pytest.mark.parametrize("name", ["..", "../..", "nothing"])
def test_nothing_else_is_deleted(client: EngineClient, name: str) -> None:
    with pytest.raises((BadRequestError, RenderFailedError)):
        client.remove_model(name)


def test_the_starter_stays_and_unknown_names_are_refused(client: EngineClient) -> None:
    with pytest.raises(BadRequestError, match="the starter model comes with Grayplate and stays"):
        client.remove_model(STARTER_NAME)
    with pytest.raises(BadRequestError, match="no model 'nothing' is known"):
        client.download_model("nothing")
    with pytest.raises(BadRequestError, match="is not being downloaded"):
        client.cancel_download("causvid-1.3b")
    with pytest.raises(BadRequestError, match="is not being downloaded"):
        list(client.download_events("causvid-1.3b"))
