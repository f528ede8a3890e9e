"""Makes the one QApplication, sheltered from the Qt plug-ins that other packages bring along."""

from __future__ import annotations

import os
import sys

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

_FOREIGN_PLUGINS = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "QT_PLUGIN_PATH")


def drop_foreign_plugin_paths() -> None:
    """Forget plug-in folders inside OpenCV's wheel.

    ``import cv2`` points Qt at the Qt 5 plug-ins of that wheel; PySide6 then finds an "xcb" that it cannot load and
    aborts (https://github.com/opencv/opencv-python/issues/386). A person's own settings stay.
    """
    for name in _FOREIGN_PLUGINS:
        if f"{os.sep}cv2{os.sep}" in os.environ.get(name, ""):
            del os.environ[name]


def create_application() -> QApplication:
    """The running QApplication, or a new one; call it before anything else of Qt is made."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    drop_foreign_plugin_paths()
    if sys.platform.startswith("linux") and not _has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    QCoreApplication.setOrganizationName("Grayplate")
    QCoreApplication.setApplicationName("Grayplate")
    return QApplication(["grayplate"])


def _has_display() -> bool:
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
