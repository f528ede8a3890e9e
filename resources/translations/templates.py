"""The templates of the messages that the lower floors say, read from their source: what the desktop translates.

A template is an f-string with its values' names in braces: ``f"{path} has {len(files)} files"`` is "{path} has {files}
files". Whatever looks like a sentence counts, but for what no person in the window reads.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.protocol import EffectDescriptor

_ROOT = Path(__file__).parents[2]
_FLOORS = ("engine", "timeline", "roi_tools")
_UNSEEN = (
    # The command line's and other hosts' own, training, what only a developer sees, files of other programs.
    *("cli.py", "models_cli.py", "server.py", "routes.py", "model_routes.py", "training", "latent_geometry.py"),
    *("blender.py", "silhouette.py", "crop_path.py", "gliding_crop.py", "matte.py", "matte_operations.py"),
    *("working.py", "contours.py", "simplify.py", "job_store.py", "keyframes_json.py"),
)
_UNSAID_CALLS = re.compile(
    r"_log\..*|.*\.(execute|executescript|debug|removeprefix|removesuffix|startswith|endswith|split|join|compile|"
    r"fullmatch|search|sub|getLogger|Thread)|Field|ParameterDescriptor|EffectDescriptor|_parameter|CatalogueEntry|"
    r"TypeVar|ArgumentParser|add_argument|Literal|cast|FastAPI"
)
"""Calls whose texts are no messages, or are collected elsewhere: names and hints of effects."""
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|DROP)\b|\{\w+\} WHERE|\{\w+\} ORDER BY")
_WORDS = re.compile(r"[A-Za-z]{2,}[^A-Za-z{}]* [^A-Za-z{}]*[a-zA-Z]{2,}|[a-z]{2,}['’:;,)]* \W*\{|\}\W* [a-z(]{2,}")
"""Two words, or a word beside a value."""
_BRACES = re.compile(r"[{}]{2}|\{\W|\\|\n|^[\w ]*=|list\[|%\(|^Bearer |^blob ")
_BUILTINS = frozenset(dir(builtins)) | {"self", "Path", "cls"}


def templates() -> list[str]:
    """All of them, sorted and once each."""
    found: set[str] = set(_of_models())
    for floor in _FLOORS:
        for path in sorted((_ROOT / floor).rglob("*.py")):
            if not any(part in _UNSEEN for part in path.relative_to(_ROOT).parts):
                found |= set(_of_source(path.read_text(encoding="utf-8")))
    return sorted(found - set(_of_effects()))


def described_effects() -> tuple[EffectDescriptor, ...]:
    """All installed effects. Raises LookupError where one cannot be loaded: its texts would be dropped unseen."""
    from engine.ofx.host import ENTRY_POINT_GROUP, describe_all

    effects = describe_all()
    lost = entry_points(group=ENTRY_POINT_GROUP).names - {effect.identifier for effect in effects}
    if lost:
        raise LookupError(
            f"the effects {', '.join(sorted(lost))} cannot be loaded (the warning above says why) and their "
            "translations would be lost; mend or uninstall them, then run this again"
        )
    return effects


def _of_effects() -> Iterator[str]:
    """Names and hints of effects, which the desktop translates as its own texts."""
    for effect in described_effects():
        yield from (effect.label, effect.hint)
        for parameter in effect.parameters:
            yield from (parameter.label, parameter.hint)


def _of_models() -> Iterator[str]:
    """What the models that come with Grayplate have to say of themselves."""
    for path in sorted((_ROOT / "resources" / "models").glob("*/grayplate.json")):
        notice = json.loads(path.read_text(encoding="utf-8")).get("notice", "")
        if notice:
            yield notice


def _of_source(source: str) -> Iterator[str]:
    for node in _said(ast.parse(source)):
        text = template_of(node)
        if text and _is_sentence(text):
            yield text


def _said(tree: ast.AST) -> Iterator[ast.expr]:
    """Texts that are not part of a larger one, of a docstring, or of a call that says nothing to a person."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield node
            for value in getattr(node, "values", ()):  # a text in a value of a text
                if isinstance(value, ast.FormattedValue):
                    yield from _said(value)
        elif not _is_unsaid(node):
            yield from _said(node)


def _is_unsaid(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # a docstring
    if isinstance(node, (ast.AnnAssign, ast.Subscript, ast.arg)) and not getattr(node, "value", None):
        return True
    return isinstance(node, ast.Call) and bool(_UNSAID_CALLS.fullmatch(ast.unparse(node.func)))


def _is_sentence(text: str) -> bool:
    return bool(_WORDS.search(text)) and not _SQL.match(text) and not _BRACES.search(text)


def template_of(node: ast.expr) -> str:
    """The text of a string or f-string, each value by its name in braces; a name twice stays the same value's."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    names: dict[str, str] = {}
    text = ""
    for part in node.values if isinstance(node, ast.JoinedStr) else ():
        if isinstance(part, ast.FormattedValue):
            text += "{" + _name(part, names) + "}"
        elif isinstance(part, ast.Constant):
            text += str(part.value)
    return text


def _name(part: ast.FormattedValue, names: dict[str, str]) -> str:
    """A value's name in its template; another value of the same name gets a number."""
    wanted = _word(part.value)
    shown = ast.unparse(part)
    number = 1
    while names.setdefault(wanted, shown) != shown:
        number += 1
        wanted = f"{wanted.rstrip('0123456789')}{number}"
    return wanted


def _word(value: ast.expr) -> str:
    """The word that says best what a value is."""
    if isinstance(value, ast.Attribute):
        return value.attr.strip("_").lower()
    if isinstance(value, ast.Subscript):
        return _word(value.value)
    words = [node.id for node in ast.walk(value) if isinstance(node, ast.Name) and node.id not in _BUILTINS]
    return words[0].strip("_").lower() if words else "value"
