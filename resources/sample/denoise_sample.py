"""Take the path tracer's noise out of the frames of `render_sample.py`, with Intel's Open Image Denoise.

    pip install oidn
    python resources/sample/denoise_sample.py RENDER_DIR OUT_DIR

Debian's Blender is built without the denoiser; the PyPI package `oidn` carries it. Only whoever renders the sample
again needs it.
"""

import argparse
import shutil
from pathlib import Path

import cv2
import numpy as np
import oidn

_LARGEST_CODE = 65535


def main() -> None:
    """Denoise every frame of both passes; everything else in RENDER_DIR is copied."""
    parser = argparse.ArgumentParser(description="Denoise the rendered sample.")
    parser.add_argument("renders", type=Path, help="the --out folder of render_sample.py")
    parser.add_argument("out", type=Path, help="the folder for encode_sample.py")
    options = parser.parse_args()
    shutil.copytree(options.renders, options.out, dirs_exist_ok=True)
    device = oidn.NewDevice()
    oidn.CommitDevice(device)
    for path in sorted(options.out.glob("*/????.png")):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        image[..., :3] = denoise(device, image[..., :3])
        cv2.imwrite(str(path), image)
        print(path)


def denoise(device: int, image: np.ndarray) -> np.ndarray:
    """`image`, uint16 (H, W, 3) blue green red, display-coded, without its noise."""
    color = np.ascontiguousarray(image[..., ::-1], np.float32) / _LARGEST_CODE
    result = np.zeros_like(color)
    height, width = color.shape[:2]
    ray_tracing = oidn.NewFilter(device, "RT")
    oidn.SetSharedFilterImage(ray_tracing, "color", color, oidn.FORMAT_FLOAT3, width, height)
    oidn.SetSharedFilterImage(ray_tracing, "output", result, oidn.FORMAT_FLOAT3, width, height)
    oidn.CommitFilter(ray_tracing)
    oidn.ExecuteFilter(ray_tracing)
    oidn.ReleaseFilter(ray_tracing)
    return np.rint(result.clip(0, 1)[..., ::-1] * _LARGEST_CODE).astype(np.uint16)


if __name__ == "__main__":
    main()
