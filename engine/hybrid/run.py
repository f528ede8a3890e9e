"""One run of marked frames, from its plate to the finished pictures: streamed, but for what waits for the model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.hybrid.rest import SEAM_FRAMES, Rest, needed, uncertain, weighed
from engine.hybrid.scratch import Scratch
from engine.ofx.effect import RenderedImage
from engine.vace.shot.stretches import BRIDGED_GAP_FRAMES
from roi_tools.geometry import Size

Finished: TypeAlias = Iterator[tuple[int, RenderedImage]]


SETTLED_FRAMES = SEAM_FRAMES + BRIDGED_GAP_FRAMES + 1
"""After so many frames with nothing left, what comes does not depend on what was before."""


class UnsettledError(Exception):
    """Something is left so close to the first frame that the group may have begun before it."""


@dataclass(frozen=True)
class Group:
    """Frames that the model paints as one clip. Their plates, and those of ``known``, lie in the scratch folder.

    ``held``: its marked frames, rising, also those between two with a rest and behind the last one. ``visible``: all
    frames that the model may see.
    """

    held: Sequence[int]
    rests: Mapping[int, Rest]
    visible: range


@dataclass(frozen=True)
class RunSettings:
    """See the effect's parameters; ``size`` is the frame's."""

    threshold: float
    smallest_px: int
    known_frames: int
    size: Size
    available: range
    """Frames of the run's scene of which it is known what is marked on them."""
    fills_invented: bool = True
    """Whether what no frame shows is left to the model; not where an artist painted it."""


class HybridRun:
    """Frames of one run, in order; those that need no model are not kept longer than the seam in time."""

    def __init__(
        self,
        marked: Sequence[int],
        plate_of: Callable[[int], RenderedImage],
        paint: Callable[[Group], Finished],
        hold: Callable[[int, RenderedImage], None],
        scratch: Scratch,
        settings: RunSettings,
        *,
        is_whole: bool = True,
    ) -> None:
        """``marked`` rises. ``paint`` gives all held frames of a group; ``hold`` is told of each that has to wait.

        Not ``is_whole``: there are marked frames before, and :meth:`frames` must find out that they do not matter.
        """
        self._settles_at = marked[0] + SETTLED_FRAMES if marked and not is_whole else None
        self._marked, self._plate_of, self._paint, self._hold = marked, plate_of, paint, hold
        self._scratch, self._settings = scratch, settings
        self._known: deque[tuple[int, RenderedImage]] = deque(maxlen=settings.known_frames)
        """The newest finished frames and their plates, to show them to the model."""
        self._held: list[int] = []
        self._rests: dict[int, Rest] = {}

    def frames(self) -> Finished:
        """Every marked frame with its picture, rising.

        Raises UnsettledError, before any group is painted, where it began too late.
        """
        for frame, plate, rest in self._weighed():
            if self._settles_at is not None:
                if rest is not None and frame < self._settles_at:
                    raise UnsettledError
                self._settles_at = None if frame >= self._settles_at else self._settles_at
            if self._held and frame - max(self._rests) > BRIDGED_GAP_FRAMES + 1:
                yield from self._finish_group(self._held[-1] + 1)
            if rest is None and not self._held:
                self._known.append((frame, plate))
                yield frame, plate
                continue
            if not self._held:
                self._keep_known()
            self._scratch.save(frame, plate)
            self._held.append(frame)
            if rest is not None:
                self._rests[frame] = rest
            self._hold(frame, plate)
        if self._held:
            # Behind a run nothing is marked for long.
            yield from self._finish_group(self._held[-1] + 1 + self._settings.known_frames)

    def _weighed(self) -> Iterator[tuple[int, RenderedImage, Rest | None]]:
        """Each frame with what is left of it, which depends on the next few too."""
        cores: dict[int, Rest | None] = {}
        waiting: deque[tuple[int, RenderedImage]] = deque()
        for frame in self._marked:
            while waiting and waiting[0][0] + SEAM_FRAMES < frame:
                yield self._with_rest(*waiting.popleft(), cores)
            plate = self._plate_of(frame)
            cores[frame] = self._core(plate)
            waiting.append((frame, plate))
        while waiting:
            yield self._with_rest(*waiting.popleft(), cores)

    def _core(self, plate: RenderedImage) -> Rest | None:
        settings = self._settings
        return uncertain(
            plate, settings.threshold, settings.smallest_px, settings.size, fills_invented=settings.fills_invented
        )

    @staticmethod
    def _with_rest(
        frame: int, plate: RenderedImage, cores: dict[int, Rest | None]
    ) -> tuple[int, RenderedImage, Rest | None]:
        for past in [known for known in cores if known < frame - SEAM_FRAMES]:
            del cores[past]
        rest = weighed(cores, frame)
        return frame, plate, None if rest is None else needed(rest, plate)

    def _finish_group(self, end: int) -> Finished:
        """The held frames; the model may see those before ``end``."""
        held, rests, available = self._held, self._rests, self._settings.available
        self._held, self._rests = [], {}
        # Before a run nothing is marked for long either.
        first = self._known[0][0] if self._known else held[0] - self._settings.known_frames
        visible = range(max(first, available.start), min(end, available.stop))
        yield from self._paint(Group(held, rests, visible))
        for frame in held[-self._settings.known_frames :] if self._settings.known_frames else ():
            self._known.append((frame, self._scratch.load(frame)))
        self._scratch.clear()

    def _keep_known(self) -> None:
        """Where a group begins, the plates before it are needed as long as its own."""
        for frame, plate in self._known:
            self._scratch.save(frame, plate)
