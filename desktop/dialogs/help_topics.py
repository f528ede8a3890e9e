"""The pages of the help, in the window's language, and which of them is about a widget. Without Qt but for that."""

from __future__ import annotations

import re
from importlib.resources import files

from PySide6.QtWidgets import QWidget

from desktop.base.language import language

TOPICS = ("start", "viewer", "timeline", "removals", "effects", "rendering", "preferences", "trouble")
"""In the order of reading; ``resources/help/<language>/<topic>.md``. "keys" is made from the actions."""
KEYS = "keys"
_PROPERTY = "helpTopic"
_BREAK_IN_JAPANESE = re.compile(r"(?<=[^\x00-\x7f])\n *(?=[^\x00-\x7f])")
"""A line's end between letters that no space goes between."""


def page(topic: str) -> str:
    """A topic's page as Markdown; its first line is its title."""
    text = files("resources").joinpath("help", language(), f"{topic}.md").read_text(encoding="utf-8")
    return _BREAK_IN_JAPANESE.sub("", text)


def title(topic: str) -> str:
    """What the list of topics calls it."""
    return page(topic).split("\n", 1)[0].lstrip("# ")


def set_topic(widget: QWidget, topic: str) -> None:
    """F1 in ``widget``, and in what it holds, opens this page."""
    widget.setProperty(_PROPERTY, topic)


def topic_of(widget: QWidget | None) -> str:
    """The page about ``widget``: its own or that of what holds it; the first page where nothing says."""
    while widget is not None:
        topic = widget.property(_PROPERTY)
        if isinstance(topic, str):
            return topic
        widget = widget.parentWidget()
    return TOPICS[0]
