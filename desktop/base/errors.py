"""The error tree of the desktop floor. Every message is one line: what was wrong, where, and what to do next."""


class DesktopError(Exception):
    """Base of every error that the desktop raises on purpose."""


class NothingToRenderError(DesktopError):
    """The shot marks nothing for removal, so a render would only copy it."""


class ColorConfigError(DesktopError):
    """An OpenColorIO config, or a display transform of it, cannot be used."""


class RecoveryError(DesktopError):
    """A recovery file cannot be written or read."""


class UsageError(DesktopError):
    """A command-line option that makes no sense, or not with the others."""
