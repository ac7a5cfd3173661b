"""What can go wrong with the folders and stores that catalogs are published into."""

from __future__ import annotations


class PublishError(Exception):
    """Base of every error that this package raises. `str()` is one line: what happened and what to do next."""


class FolderProblem(PublishError):
    """The folder cannot be read, locked or written, or holds a manifest that we must not overwrite."""


class StoreProblem(PublishError):
    """A store (bucket or folder) cannot be opened, read or written, or was asked for something it never does.

    After a write it means that the outcome is not known, unless the message says otherwise: what is there is the
    whole old or the whole new object.
    """


class BadPublication(PublishError):
    """What a store holds under a publication id is not what its manifest, or the pointer, says."""


class LostRace(PublishError):
    """Another publisher moved the pointer every time we tried; nothing of ours was published."""


class CannotAdd(PublishError):
    """A hand-written catalog that cannot be published: its cloud's name, or what stands in it."""


class CannotPush(PublishError):
    """The folder to push is not a publication of ours, or what it holds must not be published."""
