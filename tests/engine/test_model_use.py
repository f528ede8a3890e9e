"""A model that a render needs is not taken away under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import BadRequestError
from engine.model_registry import InstalledModel, installed_models, register
from engine.protocol import ParameterValue, RenderPass
from engine.service import EngineService
from engine.vace.files.weights import MODEL_VARIABLE
from tests.support.engine_process import render_request


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineService]:
    """A service whose queue is not started, with a model that is called mine."""
    monkeypatch.setenv("GRAYPLATE_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "vae.safetensors").touch()
    register(InstalledModel("mine", "model", str(tmp_path / "weights"), 0))
    service = EngineService(tmp_path / "engine.sock")
    yield service
    service.store.close()


def submit(service: EngineService, effect: str, parameters: dict[str, ParameterValue]) -> str:
    request = render_request(Path("street.mkv"), [[(0, 0, 2, 2)]])
    render_pass = RenderPass(effect=effect, parameters=parameters, boxes=request.passes[0].boxes)
    return service.submit(request.model_copy(update={"passes": (render_pass,)})).id


@pytest.mark.parametrize("effect", ["vace", "auto"])
@pytest.mark.parametrize("named", ["mine", "{folder}", "{folder}/vae.safetensors", ""])
def test_one_that_a_render_waits_for_stays(
    service: EngineService, effect: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not named:
        monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "weights"))
    job = submit(service, effect, {"model": named.format(folder=tmp_path / "weights")})
    with pytest.raises(BadRequestError, match=r"'mine' is in use by the render of 'street\.mkv'; wait until"):
        service.models.remove("mine")
    assert "mine" in installed_models()
    service.cancel(job)
    service.models.remove("mine")
    assert "mine" not in installed_models()


@pytest.mark.parametrize(("effect", "model"), [("clean-plate", None), ("vace", "starter-vace"), ("vace", "")])
def test_a_render_without_it_is_no_hindrance(service: EngineService, effect: str, model: str | None) -> None:
    submit(service, effect, {} if model is None else {"model": model})
    service.models.remove("mine")
    assert "mine" not in installed_models()
