"""Errors that are kept, or shown, hold nothing of the request that they came from."""

from contextlib import suppress

import pytest

from loaders.errors import without_frames


def _raise_again(error: Exception) -> None:
    """Raise an error while one that came from it is handled, as code does that keeps an error."""
    try:
        raise ValueError("later") from error
    except ValueError:
        raise error from None


def test_an_error_among_its_own_causes_loses_its_frames() -> None:
    error = KeyError("first")
    with pytest.raises(KeyError):
        _raise_again(error)
    later = error.__context__
    assert later is not None
    assert later.__cause__ is error
    assert without_frames(error) is error
    assert (error.__traceback__, later.__traceback__) == (None, None)


def test_what_an_error_was_raised_from_and_what_was_handled_meanwhile_lose_their_frames() -> None:
    handled, cause = KeyError("handled"), OSError("cause")

    def fail() -> None:
        with suppress(OSError):
            raise cause
        try:
            raise handled
        except KeyError:
            raise ValueError("shown") from cause

    with pytest.raises(ValueError, match="shown") as raised:
        fail()
    error = without_frames(raised.value)
    assert error.__context__ is handled
    assert [item.__traceback__ for item in (error, cause, handled)] == [None, None, None]
