"""The error tree of the timeline floor.

Every message is one line: what was wrong, where (the file), and what to do next.
"""


class TimelineError(Exception):
    """Base of every error that timeline raises on purpose."""


class MediaError(TimelineError):
    """Something about a movie, a still or an image sequence."""


class MediaNotFoundError(MediaError):
    """The file or folder is not there, or a sequence has frames missing."""


class MediaUnreadableError(MediaError):
    """The file is there but holds no readable picture: corrupt, cut short, audio only, or not media at all."""


class ReadGivenUpError(MediaError):
    """Whoever asked for a frame no longer wants it; the reader is as good as before."""


class MediaWriteError(MediaError):
    """The output cannot be written: its folder refuses, its disk is full, its format cannot hold these frames."""


class MediaExistsError(MediaWriteError):
    """The output exists and nobody said to overwrite it."""


class ProjectFileError(TimelineError):
    """A project file cannot be read or written, or says something that makes no sense."""


class EditError(TimelineError):
    """An edit does not apply to this project: no such shot, a range outside the media."""
