"""Collects every text of the desktop, and the messages of the floors below, into the catalogues and compiles them.

``python -m resources.translations.update`` adds new texts to each ``.po`` untranslated, drops those that are gone, and
writes the ``.mo`` that the desktop reads. It prints what lacks a translation. Needs Babel (the ``dev`` extra).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from desktop.base.language import MESSAGE_CONTEXT
from resources.translations.templates import described_effects, templates

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates.json"
"""The templates of the lower floors' messages, which the desktop finds messages by."""
_ROOT = FOLDER.parents[1]
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"\{(\w+)[^}]*\}")
_NO_WINDOW = ("subcommands", "cli.py", "diagnostics.py")
"""Parts of the desktop whose texts stay English: the command line, the report that is sent along with a question."""
_READ_AS_OBJECTS = ("actions.py",)
_SHOWN_BY_OTHERS = ("results.py", "look.py", "queue.py", "shortcuts.py")
"""Modules whose tables and enumerations other modules put through tr()."""
_NO_TEXT = re.compile(r"[a-z0-9_.#\-/:]*|[^a-zA-Z]*|#\w+|(Ctrl|Shift|Alt)\+.*|\W*[A-Z]\W*|.*[{}<>].*|[A-Z_]{2,}")


def messages() -> list[str]:
    """Every text that may be shown, sorted and once each."""
    found = set(_of_actions()) | set(_of_effects()) | set(_of_presets()) | set(_of_models())
    for path in sorted((_ROOT / "desktop").rglob("*.py")):
        if not any(part in path.parts for part in _NO_WINDOW):
            found |= set(_of_source(path))
    return sorted(found - {""})


def placeholders(text: str) -> set[str]:
    """The names in braces, which a translation has to keep."""
    return set(_PLACEHOLDER.findall(text))


def _of_actions() -> Iterator[str]:
    from desktop.actions import ACTIONS

    for spec in ACTIONS:
        yield from (spec.text, spec.tip, *spec.menu.split("/"))


def _of_effects() -> Iterator[str]:
    for effect in described_effects():
        yield from (effect.label, effect.hint)
        for parameter in effect.parameters:
            yield from (parameter.label, parameter.hint, parameter.unit, parameter.group)
            # As the inspector shows them.
            yield from (choice.replace("_", " ").capitalize() for choice in parameter.choices)


def _of_presets() -> Iterator[str]:
    for path in sorted((_ROOT / "resources" / "presets").glob("*.json")):
        preset = json.loads(path.read_text(encoding="utf-8"))
        yield from (preset["name"], preset.get("hint", ""))


def _of_models() -> Iterator[str]:
    from engine.model_catalog import all_entries
    from engine.model_library import STARTER_PURPOSE, STARTER_TITLE

    yield from (STARTER_TITLE, STARTER_PURPOSE)
    for entry in all_entries():
        yield from (entry.title, entry.label)


def _of_source(path: Path) -> Iterator[str]:
    """``tr("...")`` anywhere; where tr is given a name, also the module's tables and enumerations."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    shows_tables = path.name in _SHOWN_BY_OTHERS
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            text = _literal(node.args[0])
            shows_tables |= text is None
            if text is not None:
                yield text
    if path.name not in _READ_AS_OBJECTS and shows_tables:
        yield from _of_tables(tree.body)


def _of_tables(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in statement.bases):
            yield from (text for text in _strings(statement.body) if text)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            yield from (text for text in _strings([statement.value]) if not _NO_TEXT.fullmatch(text))


def _strings(nodes: list[ast.expr] | list[ast.stmt]) -> Iterator[str]:
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for root in nodes:
        for node in ast.walk(root):
            if id(node) not in docstrings and (text := _literal(node)) is not None:
                yield text


def _literal(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def read_catalogue(path: Path) -> Catalog:
    """A ``.po`` file."""
    with path.open("rb") as stream:
        return read_po(stream, locale=path.stem, abort_invalid=True)


def updated(catalogue: Catalog) -> Catalog:
    """The same translations for the texts of now, and no others."""
    result = Catalog(
        locale=catalogue.locale,
        project="Grayplate",
        version="1",
        header_comment="# Texts of the Grayplate desktop. `make translations` keeps this file in step.",
        creation_date=_NO_DATE,  # the history of the repository says when
        revision_date=_NO_DATE,
        msgid_bugs_address="Grayplate",
        last_translator="Grayplate",
        language_team="Grayplate",
        fuzzy=False,
    )
    for text in messages():
        known = catalogue.get(text)
        result.add(text, known.string if known else "")
    for template in templates():
        known = catalogue.get(template, MESSAGE_CONTEXT)
        result.add(template, known.string if known else "", context=MESSAGE_CONTEXT)
    return result


def main() -> int:
    """Update all catalogues; 1 if anything lacks a translation, or if nothing was written because texts are missing."""
    try:
        described_effects()
    except LookupError as error:
        print(f"nothing was changed: {error.args[0]}", file=sys.stderr)
        return 1
    missing = 0
    TEMPLATES.write_text(json.dumps(templates(), indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    for path in sorted(FOLDER.glob("*.po")):
        catalogue = updated(read_catalogue(path))
        written, compiled = BytesIO(), BytesIO()
        write_po(written, catalogue, width=120, sort_output=True)
        write_mo(compiled, catalogue)
        path.write_bytes(written.getvalue())
        path.with_suffix(".mo").write_bytes(compiled.getvalue())
        for message in catalogue:
            if message.id and not message.string:
                missing += 1
                print(f"{path.name}: no translation of {message.id!r}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
