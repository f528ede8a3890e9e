"""Pixels to latents and back, over every length and size."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vace.latent_geometry import (
    latent_count,
    latent_groups,
    nearest_exact_frames,
    padded_frame_count,
    reflected_frames,
    whole_frame_count,
)

frame_counts = st.integers(1, 3000)


@given(frame_counts)
def test_padded_and_whole_counts_are_the_nearest_4n_plus_1(count: int) -> None:
    padded, whole = padded_frame_count(count), whole_frame_count(count)
    assert padded % 4 == 1 and whole % 4 == 1
    assert count <= padded < count + 4
    assert max(count - 4, 0) < whole <= count


@given(frame_counts)
def test_reflection_starts_with_the_frames_themselves_and_moves_one_frame_at_a_time(count: int) -> None:
    indices = reflected_frames(count)
    assert len(indices) == padded_frame_count(count)
    assert indices[:count] == list(range(count))
    assert all(0 <= index < count for index in indices)
    assert all(abs(a - b) == 1 for a, b in itertools.pairwise(indices))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [0]), (2, [0, 1, 0, 1, 0]), (3, [0, 1, 2, 1, 0]), (4, [0, 1, 2, 3, 2]), (6, [0, 1, 2, 3, 4, 5, 4, 3, 2])],
)
def test_reflection_of_short_shots(count: int, expected: list[int]) -> None:
    assert reflected_frames(count) == expected


@given(frame_counts.map(padded_frame_count))
def test_groups_cover_every_frame_once_in_order(count: int) -> None:
    groups = latent_groups(count)
    assert len(groups) == latent_count(count)
    assert [frame for group in groups for frame in group] == list(range(count))


def test_nearest_exact_frames_of_81_are_those_that_stock_diffusers_reads() -> None:
    assert nearest_exact_frames(81) == [
        1, 5, 9, 13, 17, 21, 25, 28, 32, 36, 40, 44, 48, 52, 55, 59, 63, 67, 71, 75, 79,
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 2, 3, 4, 80])
def test_latent_count_refuses_what_the_vae_would_cut(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} frames are not 4n \\+ 1"):
        latent_count(count)
