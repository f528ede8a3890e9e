"""SAM 2 frame by frame says what it says of a whole video, and forgets what it no longer needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.protocol import SegmentPrompt
from engine.segment import model as model_module
from engine.segment.model import ObjectMask, SegmentModel
from engine.segment.weights import MODEL_VARIABLE, find_model
from roi_tools.geometry import Size

SIZE = Size(96, 54)
PROMPTS = (
    SegmentPrompt(frame=12, box=(20, 10, 60, 40), negative=((5, 5),)),
    SegmentPrompt(frame=8, positive=((48, 27),)),
)
FRAMES = range(3, 21)


@pytest.fixture(scope="module")
def model(tiny_sam2: Path) -> SegmentModel:
    return SegmentModel(tiny_sam2)


def picture(frame: int) -> NDArray[np.uint8]:
    return np.random.default_rng(frame).integers(0, 256, (64, 64, 3), np.uint8)


def test_every_frame_comes_once_from_the_first_prompt_on(model: SegmentModel) -> None:
    asked: list[int] = []

    def counted(frame: int) -> NDArray[np.uint8]:
        asked.append(frame)
        return picture(frame)

    found = list(model.follow(PROMPTS, FRAMES, SIZE, counted))
    assert [mask.frame for mask in found] == [8, 12, 9, 10, 11, *range(13, 21), *range(7, 2, -1)]
    assert asked == [mask.frame for mask in found]
    assert all(mask.matte.shape == (54, 96) and 0 <= mask.matte.min() <= mask.matte.max() <= 1 for mask in found)
    assert all(mask.confidence > 0.9 for mask in found)
    assert len({float(mask.matte.mean()) for mask in found}) == len(found)


def whole_video(model: SegmentModel) -> dict[int, NDArray[np.bool_]]:
    """The same shot through transformers' own loop, which keeps everything."""
    import torch
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    squares = np.stack([picture(frame) for frame in FRAMES]).astype(np.float32) / 255
    normal = ((squares - model_module._MEAN) / model_module._DEVIATION).transpose(0, 3, 1, 2)
    session = Sam2VideoInferenceSession(torch.from_numpy(normal), SIZE.height_px, SIZE.width_px, dtype=torch.float32)
    session.obj_id_to_idx(1)
    scale = np.array([64 / SIZE.width_px, 64 / SIZE.height_px])
    clicks = {5: ([(48, 27)], [1]), 9: ([(20, 10), (60, 40), (5, 5)], [2, 3, 0])}
    for frame, (points, labels) in clicks.items():
        coordinates = torch.tensor(np.array(points) * scale, dtype=torch.float32).reshape(1, 1, -1, 2)
        session.add_point_inputs(
            0, frame, {"point_coords": coordinates, "point_labels": torch.tensor(labels).reshape(1, 1, -1)}
        )
        session.obj_with_new_inputs = [1]
        with torch.inference_mode():
            model._model(session, frame_idx=frame)
    found: dict[int, Any] = {}
    for reverse in (False, True):
        for output in model._model.propagate_in_video_iterator(session, start_frame_idx=5, reverse=reverse):
            found[output.frame_idx + FRAMES.start] = output.pred_masks.float().numpy().reshape(16, 16)
    return {frame: cv2.resize(logits, (SIZE.width_px, SIZE.height_px)) >= 0 for frame, logits in found.items()}


def test_frames_on_demand_give_what_the_whole_video_gives(model: SegmentModel) -> None:
    expected = whole_video(model)
    assert sorted(expected) == list(FRAMES)
    for mask in model.follow(PROMPTS, FRAMES, SIZE, picture):
        assert np.mean((mask.matte >= 0.5) != expected[mask.frame]) < 1e-3, mask.frame


def test_what_is_remembered_does_not_grow(model: SegmentModel, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: list[int] = []
    forget = model_module._Session.forget

    def watched(session: Any, frame: int, reach: int) -> None:
        forget(session, frame, reach)
        state = session._state
        outputs = state.output_dict_per_obj[0]
        assert not state.processed_frames and len(outputs["cond_frame_outputs"]) == 1
        assert not any("high_res_masks" in out for kept in outputs.values() for out in kept.values())
        remembered.append(len(outputs["non_cond_frame_outputs"]))

    monkeypatch.setattr(model_module._Session, "forget", watched)
    found: list[ObjectMask] = list(model.follow(PROMPTS[1:], range(60), SIZE, picture))
    assert len(found) == 60 and max(remembered) <= model.memory_frames + 1


def saved_as_published(tiny: Path, folder: Path, left_out: tuple[str, ...]) -> Path:
    """The tiny model as transformers 4.56 saved Meta's: its names of settings, what is used twice saved once."""
    from safetensors.numpy import load_file, save_file

    folder.mkdir()
    config = json.loads((tiny / "config.json").read_text())
    config.pop("rope_parameters", None)
    config |= {"memory_attention_rope_theta": 10000, "transformers_version": "4.56.2"}
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(tiny / "model.safetensors")
    tensors[CLICKS] = tensors["shared_image_embedding.positional_embedding"].copy()
    for name in left_out:
        del tensors[name]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


CLICKS = "prompt_encoder.shared_embedding.positional_embedding"


def test_clicks_mean_the_same_in_files_that_hold_their_matrix_once(tiny_sam2: Path, tmp_path: Path) -> None:
    both, once = (
        SegmentModel(saved_as_published(tiny_sam2, tmp_path / name, left_out))
        for name, left_out in (("both", ()), ("once", (CLICKS,)))
    )
    expected = both._model.state_dict()
    for name, tensor in once._model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), expected[name].numpy(), err_msg=name)
    assert [mask.frame for mask in once.follow(PROMPTS[1:], range(8, 10), SIZE, picture)] == [8, 9]


def test_a_model_that_lacks_a_tensor_is_refused(tiny_sam2: Path, tmp_path: Path) -> None:
    lacking = saved_as_published(tiny_sam2, tmp_path / "a", ("no_memory_embedding", CLICKS))
    with pytest.raises(WeightsError, match=r"lacks 1 of its tensors, 'no_memory_embedding' among them; download it"):
        SegmentModel(lacking)


class TestFindingAModel:
    def test_without_one_it_says_what_to_get_and_where_to_put_it(self) -> None:
        with pytest.raises(WeightsError, match=r"none is installed: get one with `grayplate models get sam2.1-tiny`"):
            find_model("")

    def test_it_is_found_by_folder_name_variable_and_as_the_installed_one(
        self, tiny_sam2: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from engine.model_catalog import add_model

        assert find_model(str(tiny_sam2)) == tiny_sam2
        entry = add_model(tiny_sam2, "mine")
        assert entry.kind == "segment" and find_model("mine") == tiny_sam2 and find_model("") == tiny_sam2
        monkeypatch.setenv(MODEL_VARIABLE, "/nowhere")
        with pytest.raises(WeightsError, match="there is no model folder /nowhere"):
            find_model("")

    def test_another_model_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "sam3"}')
        with pytest.raises(WeightsError, match=r"is no SAM 2 model \(its config.json says 'sam3'"):
            find_model(str(tmp_path))

    def test_pickled_weights_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "sam2_video"}')
        (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02")
        with pytest.raises(WeightsError, match=r"has no \.safetensors file"):
            find_model(str(tmp_path))

    def test_a_damaged_file_is_named(self, tiny_sam2: Path, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_bytes((tiny_sam2 / "config.json").read_bytes())
        (tmp_path / "model.safetensors").write_bytes((tiny_sam2 / "model.safetensors").read_bytes()[:5000])
        with pytest.raises(WeightsError, match=r"model.safetensors is truncated"):
            SegmentModel(tmp_path)
