"""The error tree of the roi_tools floor."""


class RoiError(Exception):
    """Base of every error that roi_tools raises. Its message is one line that a person can act on."""


class RoiFileError(RoiError):
    """A file of boxes or shapes cannot be read or written, or does not fit the clip."""


class ShapeError(RoiError):
    """A shape or its keyframes make no sense: no keyframe, an inverted rectangle, a range that ends early."""


class TrackingError(RoiError):
    """Tracking cannot start or go on: no keyframe, pictures of another size, nothing to follow."""
