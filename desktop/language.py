"""The language of the window's texts: every text that a person reads goes through :func:`tr`."""

from __future__ import annotations

import gettext

_translations: gettext.NullTranslations = gettext.NullTranslations()


def tr(text: str) -> str:
    """``text`` in the window's language; English where it has no translation.

    Fill values in afterwards, by name: ``tr("{count} frames").format(count=count)``.
    """
    return _translations.gettext(text)
