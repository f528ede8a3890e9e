"""Colors of latents, and pictures sent beside the sampler."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest

from engine.vace.sampling.preview import ColorFit, PreviewSender

GROUPS = [[0], [1, 2, 3, 4], [5, 6]]


def _world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents whose colors are linear: 16 channels, and the frames that a perfect VAE made them of."""
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(16, 3)) * 0.1
    latents = generator.normal(size=(16, 3, 6, 8)).astype(np.float32)
    colors = np.tensordot(latents, matrix, axes=(0, 0)) + np.array([0.2, -0.1, 0.0])
    return latents, matrix, colors.astype(np.float32)


def _fit(latents: np.ndarray, colors: np.ndarray) -> ColorFit:
    fit = ColorFit()
    for index in range(latents.shape[1]):
        fit.add(latents[:, index], np.repeat(np.repeat(colors[index], 8, axis=0), 8, axis=1)[None])
    return fit


def test_the_fit_finds_the_colors_of_a_shot() -> None:
    latents, matrix, colors = _world()
    fit = _fit(latents, colors)
    np.testing.assert_allclose(fit.matrix()[:-1], matrix, atol=5e-3)
    np.testing.assert_allclose(fit.matrix()[-1], [0.2, -0.1, 0.0], atol=5e-3)
    picture = fit.picture(latents[:, 1])
    assert picture.shape == (48, 64, 3) and picture.dtype == np.float32
    np.testing.assert_allclose(picture[4::8, 4::8], np.clip(colors[1], -1, 1), atol=0.15)


def test_a_shot_of_one_color_is_shown_in_it() -> None:
    latent = np.full((16, 4, 4), 0.3, np.float32)
    fit = ColorFit()
    fit.add(latent, np.full((1, 32, 32, 3), 0.5, np.float32))
    np.testing.assert_allclose(fit.picture(latent), 0.5, atol=1e-3)


def test_a_fit_holds_sums_and_no_pictures() -> None:
    latents, _, colors = _world()
    sizes = [
        sum(value.nbytes for value in vars(fit).values())
        for fit in (_fit(latents[:, :1], colors), _fit(latents, colors))
    ]
    assert sizes[0] == sizes[1]


def test_every_frame_is_shown_of_an_estimate_that_has_the_time() -> None:
    latents, _, colors = _world()
    shown: list[int] = []
    with PreviewSender(lambda frame, _: shown.append(frame), interval_s=0.0) as sender:
        sender.offer(lambda: latents, _fit(latents, colors), GROUPS)
        sender.drain()
        assert shown == [0, 1, 2, 3, 4, 5, 6]
        sender.offer(lambda: latents, _fit(latents, colors), GROUPS)
        sender.drain()
    assert shown == [0, 1, 2, 3, 4, 5, 6] * 2


def test_offers_that_come_too_soon_cost_nothing() -> None:
    latents, _, colors = _world()
    clock, made = iter([0.0, 0.0, 0.1, 0.29, 0.31, 0.31]), []

    def estimate() -> np.ndarray:
        made.append(1)
        return latents

    with PreviewSender(lambda *_: None, interval_s=0.3, now=lambda: next(clock)) as sender:
        for expected in (1, 1, 1, 2):
            sender.offer(estimate, _fit(latents, colors), GROUPS)
            assert len(made) == expected


def test_a_newer_estimate_takes_over_where_the_older_one_was() -> None:
    latents, _, colors = _world()
    fit, started, go_on = _fit(latents, colors), Event(), Event()
    shown: list[tuple[int, bool]] = []

    def show(frame: int, picture: np.ndarray) -> None:
        shown.append((frame, bool(np.abs(picture - fit.picture(np.zeros((16, 6, 8), np.float32))).max() < 1e-6)))
        started.set()
        assert go_on.wait(10)

    with PreviewSender(show, interval_s=0.0) as sender:
        sender.offer(lambda: latents, fit, GROUPS)
        assert started.wait(10)
        # The sampler is not held up while a picture is being shown.
        sender.offer(lambda: latents * 0, fit, GROUPS)
        go_on.set()
        sender.drain()
    assert shown[0] == (0, False)
    assert [frame for frame, _ in shown[1:]] == [1, 2, 3, 4, 5, 6, 0]
    assert all(is_newer for _, is_newer in shown[1:])


def test_closing_does_not_wait_for_what_was_not_shown() -> None:
    latents, _, colors = _world()
    started, go_on, shown = Event(), Event(), []

    def show(frame: int, _: np.ndarray) -> None:
        shown.append(frame)
        started.set()
        assert go_on.wait(10)

    sender = PreviewSender(show, interval_s=0.0)
    with sender:
        sender.offer(lambda: latents, _fit(latents, colors), [[0], list(range(1, 400)), [400]])
        assert started.wait(10)
        sender._is_closed = True
        go_on.set()
    assert len(shown) < 5


def test_what_goes_wrong_is_raised_at_the_end() -> None:
    latents, _, colors = _world()

    def show(_frame: int, _picture: np.ndarray) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), PreviewSender(show, interval_s=0.0) as sender:
        sender.offer(lambda: latents, _fit(latents, colors), GROUPS)
        sender.drain()
        sender.offer(lambda: latents, _fit(latents, colors), GROUPS)


def test_what_went_wrong_in_the_sampler_counts_more() -> None:
    latents, _, colors = _world()

    def show(_frame: int, _picture: np.ndarray) -> None:
        raise OSError("disk full")

    with pytest.raises(KeyError), PreviewSender(show, interval_s=0.0) as sender:
        sender.offer(lambda: latents, _fit(latents, colors), GROUPS)
        sender.drain()
        raise KeyError
