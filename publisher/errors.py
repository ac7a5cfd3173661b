"""What can go wrong with the folder that catalogs are published into."""

from __future__ import annotations


class PublishError(Exception):
    """Base of every error that this package raises. `str()` is one line: what happened and what to do next."""


class FolderProblem(PublishError):
    """The folder cannot be read, locked or written, or holds a manifest that we must not overwrite."""
