"""Turn the frames of `render_sample.py` into the committed sample: clip, true plate, boxes and keyframes.

    python resources/sample/encode_sample.py RENDER_DIR [--out DIR] [--crf N]

A frame of the clip is the plate, and inside that frame's box the render with the figure, feathered over the box's
margin: outside the boxes clip and plate hold the same numbers until H.264 rounds them, each in its own way.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, x1 and y1 exclusive
Edges = tuple[float, float, float, float]
Picture = NDArray[np.float32]  # (H, W, 3), red green blue, 0 to 1

FPS = 24
MARGIN_PX = 12
FEATHER_PX = 6
SLACK_PX = 12.5
_BT709 = 1  # in FFmpeg's AVColorPrimaries, AVColorTransferCharacteristic and AVColorSpace alike
_LIMITED = 1  # AVCOL_RANGE_MPEG


def main() -> None:
    """Encode the sample and print what was written."""
    options = _options()
    names = sorted(path.name for path in (options.renders / "plate").glob("????.png"))
    if not names:
        raise SystemExit(f"{options.renders}: holds no plate/####.png; run render_sample.py with --out first")
    height, width = _read(options.renders / "plate" / names[0]).shape[:2]
    boxes = [_box_of(options.renders, name, width, height) for name in names]
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
    parser.add_argument("--crf", type=float, default=12.0, help="x264's quality (default: %(default)s)")
    return parser.parse_args()


def _read(path: Path) -> Picture:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16:
        raise SystemExit(f"{path}: not a 16-bit PNG; delete it and run render_sample.py again")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.float32) / 65535.0


def _box_of(renders: Path, name: str, width: int, height: int) -> Box | None:
    bounds = json.loads((renders / "bounds" / name).with_suffix(".json").read_text())
    return box_round(bounds, width, height)


def box_round(bounds: Sequence[int], width: int, height: int) -> Box | None:
    """Return the box to remove for what the figure and its shadow span, or None where they are out of the frame.

    It is `MARGIN_PX` larger for motion blur and penumbra, then grown to even pixels: whole 4:2:0 chroma samples.
    """
    x0, y0, x1, y1 = bounds
    if x0 - MARGIN_PX >= width or y0 - MARGIN_PX >= height or x1 + MARGIN_PX <= 0 or y1 + MARGIN_PX <= 0:
        return None
    left, top = max(0, x0 - MARGIN_PX) // 2 * 2, max(0, y0 - MARGIN_PX) // 2 * 2
    return left, top, min(width, -(-(x1 + MARGIN_PX) // 2) * 2), min(height, -(-(y1 + MARGIN_PX) // 2) * 2)


def _clip(renders: Path, names: Sequence[str], boxes: Sequence[Box | None]) -> Iterator[Picture]:
    for name, box in zip(names, boxes, strict=True):
        plate = _read(renders / "plate" / name)
        yield plate if box is None else composite(plate, _read(renders / "figure" / name), box)


def composite(plate: Picture, figure: Picture, box: Box) -> Picture:
    """Return the plate with the figure inside the box, nothing of it on the box's outermost pixels and all of it
    `FEATHER_PX` further in.
    """
    x0, y0, x1, y1 = box
    across = np.minimum(np.arange(x1 - x0), np.arange(x1 - x0)[::-1])
    down = np.minimum(np.arange(y1 - y0), np.arange(y1 - y0)[::-1])
    weight = np.clip(np.minimum(across[None, :], down[:, None]) / FEATHER_PX, 0.0, 1.0).astype(np.float32)[..., None]
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
        # Measured against, not only looked at: no bits for sharpness that the frames do not have.
        groups = "keyint=12:min-keyint=12:scenecut=0:open-gop=0:no-psy=1"
        stream.options = {"crf": str(crf), "preset": "slower", "x264-params": groups}
        for index, picture in enumerate(pictures):
            if index == 0:
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
    """Return few keyframes whose linear interpolation covers every box, with at most `SLACK_PX` to spare on any side.

    Starts from one for every frame and takes away, again and again, the one that is missed least.
    """
    frames = [frame for frame, box in enumerate(boxes) if box is not None]
    if not frames:
        return []
    outward = np.array([box for box in boxes if box is not None], dtype=float) * (-1, -1, 1, 1)
    knots = list(range(len(frames)))
    while len(knots) > 2:
        without = [[knot for knot in knots if knot != dropped] for dropped in knots[1:-1]]
        slack, fewer = min((_slack(outward, candidate), candidate) for candidate in without)
        if slack > SLACK_PX:
            break
        knots = fewer
    edges = np.ceil(_cover(outward, knots) * 10) / 10 * (-1, -1, 1, 1)  # rounding must not uncover anything
    return [(frames[knot], _edges(edge)) for knot, edge in zip(knots, edges, strict=True)]


def _edges(values: NDArray[np.float64]) -> Edges:
    x0, y0, x1, y1 = (round(float(value), 1) for value in values)
    return x0, y0, x1, y1


def _slack(outward: NDArray[np.float64], knots: Sequence[int]) -> float:
    return float((_weights(len(outward), knots) @ _cover(outward, knots) - outward).max())


def _cover(outward: NDArray[np.float64], knots: Sequence[int]) -> NDArray[np.float64]:
    """Return edges at `knots`, shape (K, 4), whose interpolation is nowhere below `outward`, shape (T, 4).

    Each shortfall is shared out between the two knots beside it (projection onto half-spaces); what the last
    sweep leaves is added to all of them.
    """
    weights = _weights(len(outward), knots)
    edges = outward[list(knots)].copy()
    for _ in range(12):
        for frame, row in enumerate(weights):
            short = np.maximum(outward[frame] - row @ edges, 0.0)
            if short.any():
                edges += row[:, None] * short / (row @ row)
    return np.asarray(edges + np.maximum(outward - weights @ edges, 0.0).max(axis=0))


def _weights(frames: int, knots: Sequence[int]) -> NDArray[np.float64]:
    """Return the share of every knot in every frame under linear interpolation, shape (T, K)."""
    return np.stack([np.interp(range(frames), knots, one) for one in np.eye(len(knots))], axis=1)


if __name__ == "__main__":
    main()
