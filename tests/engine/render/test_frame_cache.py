"""Finished frames on disk: what a key depends on, what "finished" means, what is evicted."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest

from engine.effects.auto import Auto
from engine.effects.vace import Vace
from engine.errors import OutputError
from engine.ofx.effect import ImageEffect
from engine.protocol import FrameRange, MediaSource, RenderPass
from engine.render.frame_cache import FrameCache, FrameStatistics, evict, media_identity, pass_key, write_atomically
from roi_tools.geometry import Box
from tests.support.effects import Fill
from timeline.media.patch import FramePatch

STATISTICS = FrameStatistics(100, 60, 40)


def patch(value: int = 7, side: int = 4) -> FramePatch:
    return FramePatch(Box(0, 0, side, side), (np.full((side, side), value, np.uint8),))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "plate.mkv"
    path.write_bytes(b"plate")
    return path


def key(source: Path, *, frames=(0, 2), below=None, **changes) -> str:
    given = {"effect": "test-fill", "boxes": (((0, 0, 2, 2),), ()), "parameters": {}} | changes
    return pass_key(
        MediaSource(path=str(source)),
        FrameRange(start=frames[0], end_exclusive=frames[1]),
        RenderPass(**given),
        Fill.describe(),
        below,
    )


class TestKey:
    def test_the_same_render_has_the_same_key(self, source):
        assert key(source) == key(source)

    def test_a_default_that_is_given_as_text_changes_nothing(self, source):
        assert key(source) == key(source, parameters={"feather_px": "2"})

    def test_a_parameter_that_changes_no_picture_does_not_change_it(self, source):
        def vace_key(effect: type[ImageEffect], **parameters) -> str:
            frames, media = FrameRange(start=0, end_exclusive=1), MediaSource(path=str(source))
            given = RenderPass(effect=effect.identifier, parameters=parameters, boxes=(((0, 0, 2, 2),),))
            return pass_key(media, frames, given, effect.describe(), None)

        for effect in (Vace, Auto):
            assert vace_key(effect, preview=True) == vace_key(effect, preview=False) != vace_key(effect, seed=1)

    def test_everything_that_pixels_depend_on_changes_it(self, source, tmp_path):
        matte = tmp_path / "matte.mkv"
        matte.write_bytes(b"matte")
        keys = {
            key(source),
            key(source, frames=(1, 3)),
            key(source, boxes=(((0, 0, 2, 3),), ())),
            key(source, parameters={"value": 0.25}),
            key(source, parameters={"grow_px": 3}),
            key(source, matte=MediaSource(path=str(matte))),
            key(source, roto={"version": 1, "name": "a", "shapes": []}),
            key(source, below="0" * 32),
        }
        assert len(keys) == 8

    def test_another_file_of_the_same_name_changes_it(self, source):
        before = key(source)
        source.write_bytes(b"other plate")
        assert key(source) != before

    def test_a_sequence_is_all_its_images_and_nothing_else(self, tmp_path):
        for number in range(3):
            (tmp_path / f"plate.{number:04d}.png").write_bytes(b"x" * (number + 1))
        pattern, folder = str(tmp_path / "plate.####.png"), str(tmp_path)
        identities = media_identity(pattern), media_identity(folder)
        (tmp_path / "report.json").write_text("{}")
        assert (media_identity(pattern), media_identity(folder)) == identities
        assert len(identities[0]) == len(identities[1]) == 3
        (tmp_path / "plate.0001.png").write_bytes(b"changed")
        assert media_identity(pattern) != identities[0] and media_identity(folder) != identities[1]


class TestFrames:
    def test_a_frame_is_finished_once_it_is_saved(self, tmp_path):
        cache = FrameCache("k", tmp_path)
        assert not cache.has(3)
        path = cache.save(3, patch(), STATISTICS)
        assert path == cache.patch_path(3) and cache.has(3)
        assert (cache.load(3).planes[0] == 7).all()
        assert cache.statistics(3) == STATISTICS

    def test_statistics_alone_do_not_make_a_frame_finished(self, tmp_path):
        cache = FrameCache("k", tmp_path)
        write_atomically(cache.patch_path(1).with_suffix(".json"), "{}")
        assert not cache.has(1)

    def test_previews_are_no_finished_frames_and_can_be_dropped(self, tmp_path):
        cache = FrameCache("k", tmp_path)
        path = cache.save_preview(2, patch(1))
        path = cache.save_preview(2, patch(2))
        assert (FramePatch.load(path).planes[0] == 2).all() and not cache.has(2)
        cache.drop_previews()
        assert not path.exists()

    def test_a_full_disk_is_told_with_the_folder_and_the_remedy(self, tmp_path):
        cache = FrameCache("k", tmp_path)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        try:
            with pytest.raises(OutputError) as caught:
                cache.save(0, patch(side=200), STATISTICS)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(tmp_path / "k") in str(caught.value)
        assert "set GRAYPLATE_CACHE to a larger disk" in str(caught.value) and "\n" not in str(caught.value)
        assert not cache.has(0)
        assert [f.name for f in (tmp_path / "k").iterdir() if f.is_file()] == ["00000000.json"]

    def test_an_atomic_write_that_fails_leaves_nothing(self, tmp_path):
        with pytest.raises(OSError, match="No such file"):
            write_atomically(tmp_path / "missing" / "a.json", "{}")
        (tmp_path / "taken").mkdir()
        with pytest.raises(OSError, match="directory"):
            write_atomically(tmp_path / "taken", "{}")
        assert [p.name for p in tmp_path.iterdir()] == ["taken"]


class TestEviction:
    def filled(self, folder: Path, name: str, age_s: float) -> FrameCache:
        cache = FrameCache(name, folder)
        cache.save(0, patch(side=100), STATISTICS)
        then = time.time() - age_s
        os.utime(folder / name, (then, then))
        return cache

    def test_the_least_recently_used_keys_go_first(self, tmp_path):
        caches = {
            name: self.filled(tmp_path, name, age) for name, age in (("old", 9000), ("older", 9900), ("new", 5000))
        }
        size = sum(f.stat().st_size for f in (tmp_path / "new").rglob("*") if f.is_file())
        evict(tmp_path, keep=(), limit_bytes=size + 10)
        assert {name: cache.has(0) for name, cache in caches.items()} == {"old": False, "older": False, "new": True}

    def test_nothing_goes_below_the_limit(self, tmp_path):
        cache = self.filled(tmp_path, "old", 9000)
        evict(tmp_path, keep=(), limit_bytes=2**30)
        assert cache.has(0)

    def test_keys_in_use_stay_even_above_the_limit(self, tmp_path):
        kept, fresh = self.filled(tmp_path, "kept", 9000), self.filled(tmp_path, "fresh", 5)
        evict(tmp_path, keep={"kept"}, limit_bytes=0)
        assert kept.has(0) and fresh.has(0)

    def test_opening_a_key_counts_as_use(self, tmp_path):
        self.filled(tmp_path, "old", 9000)
        cache = FrameCache("old", tmp_path)
        evict(tmp_path, keep=(), limit_bytes=0)
        assert cache.has(0)

    def test_a_missing_folder_is_an_empty_cache(self, tmp_path):
        evict(tmp_path / "nothing", keep=(), limit_bytes=0)
        assert not (tmp_path / "nothing").exists()
