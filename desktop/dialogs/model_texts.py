"""What the models' dialog says of a model: size, memory, state, licence."""

from __future__ import annotations

from desktop.base.language import tr
from engine.protocol import ModelDownload, ModelInfo, ModelKind

_GB, _MB = 1e9, 1e6
GROUPS: dict[ModelKind, str] = {
    "model": "VACE",
    "module": "Parts of VACE",
    "base": "Parts of VACE",
    "encoder": "Parts of VACE",
    "vae": "Parts of VACE",
    "lora": "LoRAs for VACE",
    "segment": "Click to matte",
}
"""What each kind is listed under."""
NOT_COMMERCIAL = "not for commercial work"


def size_text(size_bytes: float) -> str:
    """``19 GB``, ``1.3 GB``, ``240 MB``."""
    if size_bytes < _GB:
        return f"{max(round(size_bytes / _MB), 1)} MB"
    return f"{size_bytes / _GB:.0f} GB" if size_bytes >= 10 * _GB else f"{size_bytes / _GB:.1f} GB"


def model_size_text(model: ModelInfo) -> str:
    """The size, with "about" where the publisher's pages could not be compared."""
    size = size_text(model.size_bytes)
    return tr("about {size}").format(size=size) if "size" in model.unconfirmed else size


def memory_text(model: ModelInfo) -> str:
    """What a GPU needs; empty where that depends on another model."""
    if model.memory_gb is None or model.least_memory_gb is None:
        return ""
    return tr("about {full} GB, from {least} GB on with slower settings").format(
        full=f"{model.memory_gb:g}", least=f"{model.least_memory_gb:g}"
    )


def licence_text(model: ModelInfo) -> str:
    """The licence, in doubt where it could not be confirmed."""
    licence = model.licence or tr("Your own file: its licence is for you to know")
    if NOT_COMMERCIAL in licence:
        licence = licence.replace(NOT_COMMERCIAL, tr(NOT_COMMERCIAL))
    return tr("{licence}, as far as known").format(licence=licence) if "licence" in model.unconfirmed else licence


def state_text(model: ModelInfo) -> str:
    """One or two words for the list."""
    download = model.download
    if download is not None and download.state == "running":
        return tr("Downloading {share}").format(share=f"{share_of(download):.0%}")
    if model.is_bundled:
        return tr("Built in")
    if model.path:
        return tr("Installed") if model.repository else tr("Your own")
    if download is not None and download.state == "failed":
        return tr("Not finished")
    return tr("Not finished") if model.fetched_bytes else tr("Not installed")


def progress_text(download: ModelDownload, time_left: str) -> str:
    """``3.1 of 19 GB · 12 min left``."""
    if not download.total_bytes:
        return tr("Asking the publisher …")
    amount = tr("{done} of {total}").format(done=size_text(download.done_bytes), total=size_text(download.total_bytes))
    return f"{amount} · {tr('{time} left').format(time=time_left)}" if time_left else amount


def share_of(download: ModelDownload) -> float:
    """0 to 1."""
    return download.done_bytes / download.total_bytes if download.total_bytes else 0.0
