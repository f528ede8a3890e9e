"""Messages of the lower floors in the window's words and language.

Engine, timeline and roi_tools say in English what went wrong, each message from a template with values in it.
``resources/translations/templates.json`` lists these templates; the catalogues hold their translations under the
context ``message``. A message that fits a template is told in that one's words, its values filled in, and so are the
values that are messages themselves. What fits none stays as it is. Without Qt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from desktop.base.language import language, tr, translated_message
from desktop.base.window_words import WINDOW_WORDS

_NAME = re.compile(r"\{(\w+)\}")
_DEPTH = 5
"""Messages in messages: no line is nested deeper."""


class _Template(NamedTuple):
    text: str
    words: str
    """What stands in its place, with the same names in braces."""
    begins_with_value: bool
    longest_words: str
    """Its longest part between values, in small letters: most messages do not have it, and need no pattern tried."""


def told(message: str) -> str:
    """``message`` as the window says it: one line, as it came."""
    return _told_in(language(), message)


@lru_cache(maxsize=200)
def _told_in(code: str, message: str) -> str:
    """Progress says the same over and over."""
    del code  # :func:`language`
    return _told(message, _DEPTH)


def _told(message: str, depth: int) -> str:
    if not message or not depth:
        return message
    found = _fitting(message)
    if found is None:
        return _parted(message, depth)
    words, match = found
    return _filled(words, {name: _told(value, depth - 1) for name, value in match.groupdict().items()})


def _fitting(message: str) -> tuple[str, re.Match[str]] | None:
    """The words of the template that a message fits, and its values.

    One that begins with a value fits the end of many a message, which would be lost in that value: the one whose first
    value is the shortest is what the message as a whole says, and none where a whole message follows a name.
    """
    best: tuple[str, re.Match[str]] | None = None
    for template, match in _fits(message):
        if not template.begins_with_value:
            return template.words, match
        if best is None or len(match[1]) < len(best[1][1]):
            best = template.words, match
    if best is not None and ":" in best[1][1] and _follows_a_name(message):
        return None
    return best


def _fits(message: str) -> Iterator[tuple[_Template, re.Match[str]]]:
    """The templates that a message fits, those that begin with words first, and its values."""
    small = message.lower()
    for template in [known for known in _templates(language()) if known.longest_words in small]:
        match = _compiled(template.text).fullmatch(message)
        if match:
            yield template, match


def _filled(words: str, values: Mapping[str, str]) -> str:
    return _NAME.sub(lambda name: values.get(name[1], name[0]), words)


def _parted(message: str, depth: int) -> str:
    """What was put together of several messages, part by part: "file: what is wrong; what to do"."""
    marks = (": ", "; ") if _follows_a_name(message) else ("; ", ": ")
    for mark in marks:
        before, found, after = message.partition(mark)
        told = (_told(before, depth - 1), _told(after, depth - 1))
        if found and told != (before, after):
            return (tr("{first}; {second}") if mark == "; " else tr("{first}: {second}")).format(
                first=told[0], second=told[1]
            )
    return message


def _follows_a_name(message: str) -> bool:
    """Whether a whole message comes after a colon."""
    first = next(_fits(message.partition(": ")[2]), None)
    return first is not None and not first[0].begins_with_value


@cache
def _templates(code: str) -> tuple[_Template, ...]:
    """In the order of looking: those that begin with words of their own, then those with the most of them."""
    del code  # whose words they are: translated_message answers in the language of now
    known = json.loads(files("resources").joinpath("translations", "templates.json").read_text(encoding="utf-8"))
    ordered = sorted(known, key=lambda text: (text.startswith("{"), -len(_NAME.sub("", text))))
    return tuple(_Template(text, words_of(text), text.startswith("{"), _longest_words(text)) for text in ordered)


def _longest_words(template: str) -> str:
    return max(_NAME.sub("\0", template).split("\0"), key=len).lower()


def words_of(template: str) -> str:
    """What the window says in its language."""
    return translated_message(template) or WINDOW_WORDS.get(template, template)


def pattern_of(template: str) -> re.Pattern[str]:
    """What fits a template: its words, and anything at all for each of its values but a ``number``.

    A message in another begins small, on its own with a capital.
    """
    return re.compile("".join(_parts(template)), re.DOTALL | re.IGNORECASE)


@cache
def _compiled(template: str) -> re.Pattern[str]:
    """Made when it is needed: all of them at once would hold up the window."""
    return pattern_of(template)


def _parts(template: str) -> Iterator[str]:
    end, seen = 0, set[str]()
    for name in _NAME.finditer(template):
        yield re.escape(template[end : name.start()])
        anything = r"[\d.]+" if name[1] == "number" else ".*?"
        yield f"(?P={name[1]})" if name[1] in seen else f"(?P<{name[1]}>{anything})"
        seen.add(name[1])
        end = name.end()
    yield re.escape(template[end:])
