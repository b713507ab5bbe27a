"""The errors that a person sees: what happened, where, why, and what to do. The exit codes are the contract's."""

from __future__ import annotations


class PerlinsosError(Exception):
    """An error with a remedy. Never carries a NIK, a card number or a name.

    `what` happened, `where` (file, row, column, region, service), `why`, and the `remedy`: what to do now.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what]
        parts += [f"where: {self.where}"] if self.where else []
        parts += [f"why: {self.why}"] if self.why else []
        parts += [f"what to do: {self.remedy}"] if self.remedy else []
        return "\n  ".join(parts)

    def as_dict(self) -> dict[str, str]:
        """The same as JSON-able words, for `--json`."""
        return {"what": self.what, "where": self.where, "why": self.why, "remedy": self.remedy}


class Refused(PerlinsosError):
    """The data or the request is refused; nothing is half-written (exit 1)."""

    exit_code = 1


class Conflict(Refused):
    """An object or a digest differs from the one that is already there (exit 1). Never overwritten."""


class WrongUsage(PerlinsosError):
    """An option, a code or a name is malformed or unknown (exit 2)."""

    exit_code = 2


class Unreachable(PerlinsosError):
    """A service that is needed (database, object store, Airflow) cannot be reached (exit 3)."""

    exit_code = 3


_WORDS = {
    "IOException": "it is not there, or cannot be opened",  # DuckDB's
    "OperationalError": "the connection ended",
    "InterfaceError": "the connection ended",
    "MaxRetryError": "nothing answers at that address",
    "NewConnectionError": "nothing answers at that address",
    "EndpointConnectionError": "nothing answers at that address",
    "ConnectTimeoutError": "no answer came in time",
    "ReadTimeoutError": "no answer came in time",
    "ConnectTimeout": "no answer came in time",
    "SSLError": "its certificate is not accepted",
    "BadZipFile": "it is no ZIP archive, or was cut",
    "KeyError": "a part of it is missing",
    "StopIteration": "a part of it is missing",
    "EOFError": "it ends too early",
}


def say_why(error: BaseException) -> str:
    """Why a library failed, in words. Never its own text: that may quote a row."""
    line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    if isinstance(error, ValueError) and line and column:
        return f"it is no JSON from line {line}, column {column}"
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((_WORDS[name] for name in names if name in _WORDS), "it is damaged, or of another form than expected")
