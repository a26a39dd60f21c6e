"""What can go wrong, as a tree.

CipinError                        exit code
├── UsageError            2       the command or call cannot be carried out as given
│   ├── LexiconError      2       a lexicon cannot be found, read, or means two things at once
│   ├── SourceError       2       the reports cannot be found, or lack the column asked for
│   └── SchemaError       2       a table does not have the columns or types promised
├── RunError              3       a run stopped before it was published; the same command goes on
│   └── TooManyErrors     1       more reports are quarantined than were allowed
├── InputChanged          4       a report is not the one that was planned
├── StorageError         74       reading or writing failed, or the disk is full
└── ConflictError        75       another run published first

A report that cannot be read is not an error of the run: it becomes a row of `reports` with a status and a
reason (see `cipin.reading.report`). Only `cipin.cli` turns these errors into messages and exit codes.
"""

from __future__ import annotations


class CipinError(Exception):
    """Base of everything that cipin raises on purpose. Its message says where, what, and what to do."""

    exit_code = 3


class UsageError(CipinError):
    """The command or call cannot be carried out as given."""

    exit_code = 2


class LexiconError(UsageError):
    """A lexicon cannot be found, cannot be read, or means two things at once."""


class SourceError(UsageError):
    """The reports cannot be found, or lack the column that was asked for."""


class SchemaError(UsageError):
    """A table does not have the columns or types that it was promised to have."""


class RunError(CipinError):
    """A run stopped before it was published; the same command goes on."""


class TooManyErrors(RunError):
    """More reports are quarantined than were allowed; nothing is published, and what was done is kept."""

    exit_code = 1


class InputChanged(CipinError):
    """A report is not the one that was planned: it was changed or removed meanwhile."""

    exit_code = 4


class StorageError(CipinError):
    """Reading or writing failed, or the disk is full."""

    exit_code = 74


class ConflictError(CipinError):
    """Another run published to the same place first."""

    exit_code = 75
