"""Each floor imports only what lies below it, and nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "diffusers", "transformers")
QT = ("PySide6", "shiboken6")


def modules_after(statement: str) -> set[str]:
    """Top-level modules and floors loaded by ``statement`` in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        (["roi_tools.shapes", "roi_tools.matte", "roi_tools.crop_path", "roi_tools.roi_file"],
         [*QT, *HEAVY, "timeline", "engine", "desktop"]),
        (["timeline.project_file", "timeline.edits", "timeline.media.reader", "timeline.media.writer"],
         [*QT, *HEAVY, "engine", "desktop"]),
        (["engine.client", "engine.protocol"],
         [*QT, *HEAVY, "desktop", "cv2", "fastapi", "uvicorn", "engine.server", "engine.render", "engine.ofx"]),
        (["engine.server", "engine.render.worker", "engine.effects.clean_plate", "engine.effects.vace"],
         [*QT, *HEAVY, "desktop", "timeline.project", "timeline.project_file", "opentimelineio"]),
        (["desktop.cli"], [*QT, *HEAVY, "engine.server", "cv2", "numpy", "pydantic"]),
        (["desktop.app", "desktop.main_window"],
         [*HEAVY, "engine.server", "engine.ofx", "engine.render", "engine.plate", "engine.vace", "fastapi"]),
    ],
    ids=["roi_tools", "timeline", "engine client", "engine", "command line", "desktop"],
)  # fmt: skip
def test_importing_a_floor_loads_nothing_above_it_and_nothing_heavy(modules: list[str], forbidden: list[str]) -> None:
    loaded = modules_after("import " + ", ".join(modules))
    assert set(modules) <= loaded
    assert loaded & set(forbidden) == set()


def test_help_and_effect_descriptors_load_no_model_library() -> None:
    loaded = modules_after(
        "import contextlib, io\n"
        "from desktop.cli import main\n"
        "from engine.ofx.host import describe_all\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
        "assert {effect.identifier for effect in describe_all()} >= {'clean-plate', 'vace'}"
    )
    assert loaded & set(HEAVY) == set()


def test_import_contracts_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
