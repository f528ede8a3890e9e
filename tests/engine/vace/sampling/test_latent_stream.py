"""The VAE chunk by chunk against the VAE on a whole clip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.vace.model import VaceModel
from engine.vace.sampling.vae_stream import Encoder, decoded, gray_latents

torch = pytest.importorskip("torch")


@pytest.fixture(params=[False, True], ids=["whole", "tiled"])
def model(tiny_model: VaceModel, request: pytest.FixtureRequest) -> Iterator[VaceModel]:
    vae = tiny_model.pipeline.vae
    if request.param:
        vae.enable_tiling(48, 48, 32, 32)
    yield tiny_model
    vae.disable_tiling()


def _clip(frames: int, height: int = 64, width: int = 80) -> Any:
    return torch.rand(1, 3, frames, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _encoded(model: VaceModel, clip: Any) -> Any:
    encoder = Encoder(model.pipeline.vae, *clip.shape[3:])
    chunks = [clip[:, :, :1], *clip[:, :, 1:].split(4, dim=2)] if clip.shape[2] > 1 else [clip]
    with torch.no_grad():
        return torch.cat([encoder.latent(chunk) for chunk in chunks], dim=2)


@pytest.mark.parametrize("frames", [1, 5, 17])
def test_encoding_in_chunks_is_encoding_the_whole_bit_by_bit(model: VaceModel, frames: int) -> None:
    clip = _clip(frames)
    vae = model.pipeline.vae
    with torch.no_grad():
        stock = vae.encode(clip).latent_dist.mode()
    deviation = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1, 1)
    assert torch.equal(_encoded(model, clip), (stock - mean) * (1.0 / deviation))


@pytest.mark.parametrize("latents", [1, 2, 6])
def test_decoding_in_chunks_is_decoding_the_whole_bit_by_bit(model: VaceModel, latents: int) -> None:
    vae = model.pipeline.vae
    given = torch.randn(1, 16, latents, 8, 10, generator=torch.Generator().manual_seed(1))
    deviation = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1, 1)
    with torch.no_grad():
        stock = vae.decode(given / (1.0 / deviation) + mean, return_dict=False)[0]
    chunks = list(decoded(vae, given))
    assert [chunk.shape[2] for chunk in chunks] == [1] + [4] * (latents - 1)
    assert torch.equal(torch.cat(chunks, dim=2), stock)


def test_a_stream_holds_no_more_for_a_longer_clip(model: VaceModel) -> None:
    def held(frames: int) -> int:
        encoder = Encoder(model.pipeline.vae, 64, 80)
        with torch.no_grad():
            for chunk in [_clip(1), *_clip(frames - 1).split(4, dim=2)]:
                encoder.latent(chunk)
        return sum(value.nbytes for value in encoder.remembered() if isinstance(value, torch.Tensor))

    assert held(9) == held(49)


def test_gray_settles_and_is_encoded_once(model: VaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.no_grad():
        settled = gray_latents(model.pipeline.vae, 64, 80, 500)
        assert 2 < len(settled) < 40
        expected = _encoded(model, torch.zeros(1, 3, 4 * len(settled) + 9, 64, 80))
    for index in range(expected.shape[2]):
        assert torch.equal(settled[min(index, len(settled) - 1)], expected[:, :, index : index + 1])
    monkeypatch.setattr(model.pipeline.vae.encoder, "forward", None)
    assert len(gray_latents(model.pipeline.vae, 64, 80, 3)) == 3
    assert len(gray_latents(model.pipeline.vae, 64, 80, 900)) == len(settled)
