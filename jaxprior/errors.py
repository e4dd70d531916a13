"""Errors that a user can cause. Each message is one sentence: what, where, expected, got, what to do.

All of them are `ValueError`s, so that library users can catch them without knowing this module; the command line
prints them without a traceback.
"""


class JaxpriorError(ValueError):
    """Base class of every error that bad input can cause."""


class ImageError(JaxpriorError):
    """A picture that cannot be read or used."""


class VolumeError(ImageError):
    """A volume that cannot be read or used."""


class MaskError(JaxpriorError):
    """A mask that cannot be read or does not fit."""


class WeightsError(JaxpriorError):
    """A weight file that is damaged, foreign or does not fit its architecture."""


class RunError(JaxpriorError):
    """A run folder that is missing, damaged or belongs to another command."""


class MemoryLimitError(JaxpriorError):
    """One picture needs more memory than a device has, or may use."""


class SettingsError(JaxpriorError):
    """A setting that is unknown or has a value that it cannot have, in a recipe or a table of settings."""


class ArgumentError(JaxpriorError):
    """An argument of a function that has another type, shape or value than the function takes."""


class JaxpriorWarning(UserWarning):
    """Something was left out or is unfinished, and the work goes on. The command line prints it as a note."""


class RangeWarning(JaxpriorWarning):
    """Pictures whose values are legal, but look like those of another range than [-1, 1]."""
