"""What can go wrong while fetching one cloud. Every message is one line and says what to do next."""

from __future__ import annotations


class FetchError(Exception):
    """Base of every reason for which a cloud could not be fetched.

    `str()` is the whole line: what happened, then what to do. It never contains a key.
    """

    def __init__(self, what: str, next_step: str = "", *, status: int | None = None) -> None:
        super().__init__(what, next_step)
        self.what = what
        """What happened, without the advice: for a warning where the fetch itself knows how to go on."""
        self.next_step = next_step
        """What to do about it."""
        self.status = status
        """HTTP status of the answer at fault, if there was one."""

    def __str__(self) -> str:
        return f"{self.what}; {self.next_step}" if self.next_step else self.what


class CredentialsMissing(FetchError):
    """No key where we look for one, or one that cannot be a key."""


class CredentialsRejected(FetchError):
    """The cloud answered 401 or 403."""


class RateLimited(FetchError):
    """429 until the tries or the time ran out."""


class Unavailable(FetchError):
    """No connection, a 5xx, a stalled or cut-off answer, or the deadline reached."""


class DeadlinePassed(Unavailable):
    """The time for this cloud is up."""


class UnexpectedAnswer(FetchError):
    """An answer that is not what the API's document says: status, media, JSON, envelope or structure."""


class BadSetting(FetchError):
    """A base URL or recorded set that we will not or cannot use."""


class BadFetcher(FetchError):
    """A package that brings a fetcher which cannot be loaded, or which does not keep to the interface."""
