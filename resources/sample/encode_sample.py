"""Turn the frames of `render_sample.py` into the committed sample: clip, true plate, boxes and keyframes.

    python resources/sample/encode_sample.py RENDER_DIR [--out DIR] [--crf N]

A frame of the clip is the plate, and inside that frame's box the render with the figure, feathered over the box's
margin: outside the boxes clip and plate hold the same numbers until H.264 rounds them, each in its own way.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, x1 and y1 exclusive
Edges = tuple[float, float, float, float]
Picture = NDArray[np.float32]  # (H, W, 3), red green blue, 0 to 1

FPS = 24
DIFFERENCE = 2.0 / 255.0  # what counts as changed by the figure, once the grain is averaged away
MARGIN_PX = 8
SLACK_PX = 12.0
_GRAIN_SIGMA_PX = 2.5
_SMALLEST_PATCH_PX = 60
_BT709 = 1  # in FFmpeg's AVColorPrimaries, AVColorTransferCharacteristic and AVColorSpace alike
_LIMITED = 1  # AVCOL_RANGE_MPEG


def main() -> None:
    """Encode the sample and print what was written."""
    options = _options()
    names = sorted(path.name for path in (options.renders / "plate").glob("????.png"))
    if not names:
        raise SystemExit(f"{options.renders}: holds no plate/####.png; run render_sample.py with --out first")
    boxes = [_box_of(options.renders, name) for name in names]
    height, width = _read(options.renders / "plate" / names[0]).shape[:2]
    document = {"width": width, "height": height, "fps": FPS, "frames": len(names), "boxes": boxes}
    (options.out / "walkby_boxes.json").write_text(json.dumps(document) + "\n")
    keyframes = [{"frame": frame, "box": list(edges)} for frame, edges in keyframes_round(boxes)]
    (options.out / "walkby_keyframes.json").write_text(json.dumps({"keyframes": keyframes}, indent=1) + "\n")
    plates = (_read(options.renders / "plate" / name) for name in names)
    encode(options.out / "walkby_plate.mp4", plates, options.crf)
    encode(options.out / "walkby.mp4", _clip(options.renders, names, boxes), options.crf)
    for path in sorted(options.out.glob("walkby*")):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Encode the rendered sample.")
    parser.add_argument("renders", type=Path, help="the --out folder of render_sample.py")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--crf", type=float, default=17.0, help="x264's quality (default: %(default)s)")
    return parser.parse_args()


def _read(path: Path) -> Picture:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16:
        raise SystemExit(f"{path}: not a 16-bit PNG; delete it and run render_sample.py again")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.float32) / 65535.0


def _box_of(renders: Path, name: str) -> Box | None:
    border: Box = tuple(json.loads((renders / "border" / name).with_suffix(".json").read_text()))
    return changed_box(_read(renders / "plate" / name), _read(renders / "figure" / name), border)


def changed_box(plate: Picture, figure: Picture, border: Box) -> Box | None:
    """Return the box round all that the figure and its shadow change, or None where they change nothing.

    The difference is averaged over the grain, thresholded at `DIFFERENCE`, freed of small patches, and its bounds grown
    by `MARGIN_PX` to even pixels (whole 4:2:0 chroma samples) inside `border`, the part that was rendered.
    """
    x0, y0, x1, y1 = border
    difference = figure[y0:y1, x0:x1] - plate[y0:y1, x0:x1]
    smooth = np.abs(cv2.GaussianBlur(difference, (0, 0), _GRAIN_SIGMA_PX)).max(axis=2)
    _, _, patches, _ = cv2.connectedComponentsWithStats((smooth > DIFFERENCE).astype(np.uint8))
    kept = [patch for patch in patches[1:] if patch[cv2.CC_STAT_AREA] >= _SMALLEST_PATCH_PX]
    if not kept:
        return None
    left = x0 + min(int(patch[0]) for patch in kept) - MARGIN_PX
    top = y0 + min(int(patch[1]) for patch in kept) - MARGIN_PX
    right = x0 + max(int(patch[0] + patch[2]) for patch in kept) + MARGIN_PX
    bottom = y0 + max(int(patch[1] + patch[3]) for patch in kept) + MARGIN_PX
    left, top, right, bottom = left // 2 * 2, top // 2 * 2, -(-right // 2) * 2, -(-bottom // 2) * 2
    return max(x0 + x0 % 2, left), max(y0 + y0 % 2, top), min(x1 - x1 % 2, right), min(y1 - y1 % 2, bottom)


def _clip(renders: Path, names: Sequence[str], boxes: Sequence[Box | None]) -> Iterator[Picture]:
    for name, box in zip(names, boxes, strict=True):
        plate = _read(renders / "plate" / name)
        yield plate if box is None else composite(plate, _read(renders / "figure" / name), box)


def composite(plate: Picture, figure: Picture, box: Box) -> Picture:
    """Return the plate with the figure inside the box, nothing of it on the box's outermost pixels and all of it
    `MARGIN_PX` further in.
    """
    x0, y0, x1, y1 = box
    across = np.minimum(np.arange(x1 - x0), np.arange(x1 - x0)[::-1])
    down = np.minimum(np.arange(y1 - y0), np.arange(y1 - y0)[::-1])
    weight = np.clip(np.minimum(across[None, :], down[:, None]) / MARGIN_PX, 0.0, 1.0).astype(np.float32)[..., None]
    result = plate.copy()
    result[y0:y1, x0:x1] += weight * (figure[y0:y1, x0:x1] - plate[y0:y1, x0:x1])
    return result


def encode(path: Path, pictures: Iterator[Picture], crf: float) -> None:
    """Write an H.264 movie: 8-bit 4:2:0, limited range, tagged BT.709, closed groups of 12 pictures."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, FPS)
        stream.codec_context.color_primaries = stream.codec_context.color_trc = _BT709
        stream.codec_context.colorspace, stream.codec_context.color_range = _BT709, _LIMITED
        groups = "keyint=12:min-keyint=12:scenecut=0:open-gop=0"
        stream.options = {"crf": str(crf), "preset": "slower", "x264-params": groups}
        for index, picture in enumerate(pictures):
            stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(yuv420(picture), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            frame.colorspace, frame.color_range = _BT709, _LIMITED
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def yuv420(picture: Picture) -> NDArray[np.uint8]:
    """Convert to 8-bit Y'CbCr 4:2:0, shape (H * 3 / 2, W): ITU-R BT.709-6 matrix and limited range (items 3.2-3.5).

    Chroma sits on even columns and half-way between rows, as H.264 assumes unless told otherwise.
    """
    red, green, blue = (picture[..., channel] for channel in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [219.0 * luma + 16.0]
    for difference in ((blue - luma) / 1.8556, (red - luma) / 1.5748):
        padded = np.pad(difference, ((0, 0), (1, 1)), mode="edge")
        cosited = (padded[:, :-2:2] + 2.0 * padded[:, 1:-1:2] + padded[:, 2::2]) / 4.0
        planes.append(224.0 * (cosited[::2] + cosited[1::2]) / 2.0 + 128.0)
    width = picture.shape[1]
    rounded = [np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in planes]
    return np.vstack([rounded[0], *(plane.reshape(-1, width) for plane in rounded[1:])])


def keyframes_round(boxes: Sequence[Box | None]) -> list[tuple[int, Edges]]:
    """Return the fewest evenly spaced keyframes whose linear interpolation covers every box, with at most `SLACK_PX` to
    spare on any side; one for every frame where nothing less will do.
    """
    frames = [frame for frame, box in enumerate(boxes) if box is not None]
    wanted = np.array([box for box in boxes if box is not None], dtype=float)
    outward = wanted * (-1, -1, 1, 1)  # every edge grows outwards
    for count in range(2, len(frames) + 1):
        knots = np.unique(np.rint(np.linspace(0, len(frames) - 1, count)).astype(int))
        values = np.stack([_cover(outward[:, side], knots) for side in range(4)], axis=1)
        reached = np.stack([np.interp(range(len(frames)), knots, values[:, side]) for side in range(4)], axis=1)
        if (reached - outward).max() <= SLACK_PX:
            edges = values * (-1, -1, 1, 1)
            return [(frames[knot], _edges(edge)) for knot, edge in zip(knots, edges, strict=True)]
    return [(frame, _edges(box)) for frame, box in zip(frames, wanted, strict=True)]


def _edges(values: NDArray[np.float64]) -> Edges:
    x0, y0, x1, y1 = (round(float(value), 1) for value in values)
    return x0, y0, x1, y1


def _cover(wanted: NDArray[np.float64], knots: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return values at `knots` whose interpolation is nowhere below `wanted`: each shortfall is shared out between
    the two knots beside it (projection onto half-spaces), until none is left.
    """
    values = wanted[knots].copy()
    for _ in range(200):
        for index, (start, end) in enumerate(pairwise(knots)):
            for frame in range(start, end + 1):
                share = (frame - start) / (end - start)
                short = wanted[frame] - (values[index] * (1 - share) + values[index + 1] * share)
                if short > 0:
                    scale = short / (share**2 + (1 - share) ** 2)
                    values[index] += scale * (1 - share)
                    values[index + 1] += scale * share
    return np.ceil(values * 10 + 0.5) / 10  # rounding must not uncover anything


if __name__ == "__main__":
    main()
