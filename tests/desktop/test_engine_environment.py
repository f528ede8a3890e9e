"""What the preferences say to the engine arrives there: through the environment, with a new engine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.base.preferences import Preferences, save_preferences
from desktop.rendering.default_model import MODEL_VARIABLE, with_default_model
from desktop.rendering.engine_bridge import EngineBridge, connect_engine
from desktop.rendering.engine_environment import VARIABLES, apply_to_environment, variables_of
from engine import paths
from engine.client import connect
from engine.errors import EngineUnavailableError
from engine.model_registry import models_folder
from engine.protocol import BoxTuple, FrameRange, MediaSource, RenderPass, RenderRequest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*VARIABLES, MODEL_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    yield
    apply_to_environment(Preferences())


def test_only_what_differs_from_the_engines_defaults_is_said() -> None:
    assert variables_of(Preferences()) == {}
    chosen = Preferences(device="cuda:2", models_folder="/m", cache_folder="/c", cache_gb=7)
    assert variables_of(chosen) == {
        "GRAYPLATE_CACHE": "/c",
        "GRAYPLATE_CACHE_GB": "7",
        "GRAYPLATE_MODELS": "/m",
        "CUDA_VISIBLE_DEVICES": "2",
    }
    assert variables_of(Preferences(device="cuda")) == {}


def test_the_variables_are_those_that_the_engine_reads(tmp_path: Path) -> None:
    changed = [
        apply_to_environment(
            Preferences(models_folder=str(tmp_path / "m"), cache_folder=str(tmp_path / "c"), cache_gb=3)
        )
    ]
    assert models_folder() == tmp_path / "m"
    assert paths.render_folder() == tmp_path / "c" / "grayplate"
    assert paths.frames_limit_bytes() == 3 * 2**30
    changed += [apply_to_environment(Preferences(cache_gb=3)), apply_to_environment(Preferences(cache_gb=3))]
    assert changed == [True, True, False]
    assert paths.render_folder() == paths.cache_folder()


def test_a_variable_that_was_set_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAYPLATE_CACHE", "/set/by/hand")
    assert not apply_to_environment(Preferences(cache_folder="/preferred"))
    assert os.environ["GRAYPLATE_CACHE"] == "/set/by/hand"


@pytest.mark.parametrize("text", ["much", "0", "-1", "inf"])
def test_a_size_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GRAYPLATE_CACHE_GB", text)
    with pytest.raises(EngineUnavailableError, match=f"GRAYPLATE_CACHE_GB is '{text}'; set it to"):
        paths.frames_limit_bytes()


@pytest.mark.parametrize(("device", "sent"), [("", None), ("cpu", "cpu"), ("cuda:1", "cuda"), ("mps", "mps")])
def test_the_device_goes_into_requests_for_vace(device: str, sent: str | None) -> None:
    save_preferences(Preferences(device=device))
    assert with_default_model("vace", {}).get("device") == sent
    assert with_default_model("vace", {"device": "auto"}) == {"device": "auto"}
    assert with_default_model("clean-plate", {}) == {}


def test_an_engine_that_runs_gives_way_to_one_that_knows(tmp_path: Path, clip: Path, qtbot: QtBot) -> None:
    bridge = EngineBridge(connect_engine)
    with qtbot.waitSignal(bridge.connected, timeout=30_000):
        bridge.start()
    with connect(start=False) as client:
        before = client.health().pid
    cache = tmp_path / "cache"
    assert apply_to_environment(Preferences(cache_folder=str(cache)))
    with qtbot.waitSignal(bridge.connected, timeout=30_000):
        bridge.restart()
    with connect(start=False) as client:
        assert client.health().pid != before
    boxes: tuple[tuple[BoxTuple, ...], ...] = ((((4, 4, 20, 20)),),) * 2
    request = RenderRequest(
        source=MediaSource(path=str(clip)),
        frames=FrameRange(start=0, end_exclusive=2),
        passes=(RenderPass(effect="clean-plate", boxes=boxes),),
    )
    with qtbot.waitSignal(bridge.job_ended, timeout=60_000) as ended:
        bridge.submit(request)
    assert ended.args is not None and ended.args[0].state == "done"
    assert len(list((cache / "grayplate" / "frames").glob("*/*.patch"))) == 2
    bridge.close()
