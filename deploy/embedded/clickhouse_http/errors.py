"""ClickHouse's errors: the text, code and HTTP status that its server answers with."""

from __future__ import annotations

import re
from typing import Final

NOT_IMPLEMENTED: Final = 48
SYNTAX_ERROR: Final = 62
UNKNOWN_SETTING: Final = 115
READONLY: Final = 164
TOO_MANY_SIMULTANEOUS_QUERIES: Final = 202
QUERY_IS_TOO_LARGE: Final = 229
INTO_OUTFILE_NOT_ALLOWED: Final = 358
SESSION_NOT_FOUND: Final = 372
SESSION_IS_LOCKED: Final = 373
INVALID_SESSION_TIMEOUT: Final = 374
HTTP_LENGTH_REQUIRED: Final = 381
QUERY_WAS_CANCELLED: Final = 394
AUTHENTICATION_FAILED: Final = 516
UNKNOWN_EXCEPTION: Final = 1002

# The server's own table, `exceptionCodeToHTTPStatus`; every other code is a 500.
_CODES_BY_STATUS: Final[dict[int, tuple[int, ...]]] = {
    400: (
        *(6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223),
        *(321, 376, 427, 441, 675, 676),
    ),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511),
    408: (159,),
    411: (381,),
    413: (229,),
    415: (779,),
    501: (48,),
    503: (76, 209, 439),
}
_STATUS_BY_CODE: Final = {code: status for status, codes in _CODES_BY_STATUS.items() for code in codes}
_PREFIX: Final = re.compile(r"(?:Code: (\d+)\. DB::Exception: )+")
_VERSION: Final = re.compile(r" \(version [^()]*\)")
_NAME_TWICE: Final = re.compile(r"( \([A-Z0-9_]+\))\.\1$")


class ClickHouseError(Exception):
    """An error as ClickHouse's server words it; `code` is ClickHouse's error code."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message} ({name})")
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse's server sends for this code."""
        return _STATUS_BY_CODE.get(self.code, 500)


class EngineError(ClickHouseError):
    """An error that the engine itself raised, with its text but for what the engine repeats in it."""

    def __init__(self, raised: BaseException, marker: str = "") -> None:
        text = _VERSION.sub("", str(raised)).strip()
        text = text.replace(marker, "") if marker else text
        prefix = _PREFIX.match(text)
        code = int(prefix[1]) if prefix else UNKNOWN_EXCEPTION
        text = text[prefix.end() :] if prefix else text
        text = _NAME_TWICE.sub(r"\1", text)
        Exception.__init__(self, f"Code: {code}. DB::Exception: {text}")
        self.code = code


def syntax_error(message: str) -> ClickHouseError:
    """The caller's text is not one statement."""
    return ClickHouseError(SYNTAX_ERROR, "SYNTAX_ERROR", f"Syntax error: {message}.")


def not_implemented(what: str) -> ClickHouseError:
    """A part of the interface that the embedded engine does not have."""
    return ClickHouseError(NOT_IMPLEMENTED, "NOT_IMPLEMENTED", f"The embedded engine does not support {what}.")
