"""The errors a user can meet, each with the exit code the command line gives it.

Every message is one line that says what came, what was wanted and what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class RS2SAM2Error(Exception):
    """Base of every error this package raises on purpose. Exit code 1 only if a subclass forgot to say better."""

    exit_code: ClassVar[int] = 1


class UsageError(RS2SAM2Error, ValueError):
    """An argument, option, input image, phrase or configuration value is not acceptable."""

    exit_code: ClassVar[int] = 2


class NothingFoundError(RS2SAM2Error):
    """Nothing matched, and the caller asked for that to be a failure."""

    exit_code: ClassVar[int] = 3


class PartialFailureError(RS2SAM2Error):
    """Part of a batch failed; the rest was written."""

    exit_code: ClassVar[int] = 4


class ResourceError(RS2SAM2Error):
    """Weights, a vocabulary or a data set are missing, incomplete, corrupt, unsafe or unreachable."""

    exit_code: ClassVar[int] = 5


class WeightsError(ResourceError):
    """A checkpoint cannot be used: missing, truncated, of an unknown layout, or unsafe to load."""


class VocabularyError(ResourceError):
    """A sentencepiece vocabulary is missing, incomplete or not the one the model was trained with."""


class DataError(ResourceError):
    """A data set is missing, not laid out as its reader expects, or holds an unsafe file."""
