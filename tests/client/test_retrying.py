"""Which calls are repeated, when, and for how long, by the protocol's steps, so that nothing waits."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from fuseway_client import Client
from fuseway_client.errors import ResponseError, TransportError
from fuseway_client.exchange import Exchange, Send, SendResult
from fuseway_client.operations import Operation, Result
from fuseway_client.retrying import Retries, RetrySettings, retry_after_s
from tests.client.conftest import MUTATION, QUERY

OK = httpx.Response(200, json={"data": {"a": 1}})
LIMITED = httpx.Response(429)
AWAY = httpx.Response(503)
BACK_SOON = httpx.Response(503, headers={"retry-after": "2"})


def _coded(*codes: str, status: int = 503) -> httpx.Response:
    errors = [{"message": "No.", "extensions": {"code": code}} for code in codes]
    return httpx.Response(status, json={"errors": errors})


def _run(document: str, outcomes: Sequence[SendResult], **options: float) -> tuple[list[Send], Result | Exception]:
    """Return what was sent until the outcomes led to a result or an exception."""
    steps = Exchange("http://gateway/graphql", **options).execute(Operation(document))  # type: ignore[arg-type]
    sent = [next(steps)]
    try:
        for outcome in outcomes:
            send = steps.send(outcome)
            sent.append(send)
    except StopIteration as end:
        result: Result = end.value
        return sent, result
    except (ResponseError, TransportError) as error:
        return sent, error
    raise AssertionError("more is sent than there are outcomes")


@pytest.mark.parametrize(
    "outcome",
    [
        LIMITED,
        AWAY,
        BACK_SOON,
        httpx.ConnectError(""),
        httpx.ConnectTimeout(""),
        httpx.PoolTimeout(""),
        httpx.ReadError(""),
        httpx.ReadTimeout(""),
        httpx.WriteError(""),
        httpx.WriteTimeout(""),
        httpx.RemoteProtocolError(""),
    ],
)
def test_a_query_is_asked_again(outcome: SendResult) -> None:
    sent, result = _run(QUERY, [outcome, OK])
    assert result == Result({"a": 1})
    assert [send.content for send in sent] == [sent[0].content] * 2


@pytest.mark.parametrize(
    "outcome",
    [
        LIMITED,
        _coded("OVERLOADED"),
        _coded("DEADLINE_EXCEEDED"),
        httpx.ConnectError(""),
        httpx.ConnectTimeout(""),
        httpx.PoolTimeout(""),
    ],
)
def test_a_mutation_is_asked_again_where_nothing_was_done(outcome: SendResult) -> None:
    sent, result = _run(MUTATION, [outcome, OK])
    assert (len(sent), result) == (2, Result({"a": 1}))


@pytest.mark.parametrize(
    "outcome",
    [
        AWAY,
        BACK_SOON,
        httpx.Response(503, json={"errors": []}),
        httpx.Response(503, json=["OVERLOADED"]),
        _coded("OVERLOADED", "STORE_TIMEOUT"),
        _coded("DEADLINE_EXCEEDED", status=500),
        httpx.ReadError(""),
        httpx.ReadTimeout(""),
        httpx.WriteError(""),
        httpx.WriteTimeout(""),
        httpx.RemoteProtocolError(""),
    ],
)
def test_a_mutation_that_may_have_been_done_is_not_asked_again(outcome: SendResult) -> None:
    sent, error = _run(MUTATION, [outcome])
    assert len(sent) == 1
    assert isinstance(error, ResponseError if isinstance(outcome, httpx.Response) else TransportError)


@pytest.mark.parametrize(
    "outcome",
    [
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(400),
        httpx.Response(301, headers={"retry-after": "1"}),
        httpx.DecodingError(""),
        httpx.LocalProtocolError(""),
        httpx.UnsupportedProtocol(""),
        httpx.TooManyRedirects(""),
    ],
)
def test_what_would_fail_again_is_not_asked_again(outcome: SendResult) -> None:
    sent, error = _run(QUERY, [outcome])
    assert len(sent) == 1
    assert isinstance(error, ResponseError | TransportError)


def test_attempts_are_bounded_and_the_last_outcome_is_told() -> None:
    limited = httpx.Response(429, headers={"retry-after": "1"}, json={"errors": [{"message": "Slower."}]})
    sent, error = _run(QUERY, [AWAY, httpx.ReadError(""), limited], retry_attempts=3)
    assert len(sent) == 3
    assert isinstance(error, ResponseError)
    assert (error.status, error.retry_after_s, [item.message for item in error.errors]) == (429, 1.0, ["Slower."])


def test_one_attempt_means_none_again() -> None:
    sent, error = _run(QUERY, [httpx.ReadError("")], retry_attempts=1)
    assert (len(sent), str(error)) == (1, "The gateway did not answer: ReadError.")


def _pauses(asked_s: float | None, count: int, **settings: float) -> list[float | None]:
    """The pause before attempt 2, 3 and so on, of a call with a clock that stands still."""
    retries = Retries(
        RetrySettings(count + 2, settings.get("backoff_s", 0.5), settings.get("max_s", 80_000), clock=lambda: 0.0)
    )
    return [retries.pause_s(asked_s) for _ in range(count)]


def test_the_backoff_doubles_and_its_jitter_is_full() -> None:
    samples = [_pauses(None, 4) for _ in range(400)]
    for attempt, pauses in enumerate(zip(*samples, strict=True)):
        most = 0.5 * 2**attempt
        drawn = sorted(pause for pause in pauses if pause is not None)
        assert len(drawn) == 400
        assert 0 <= drawn[0] < 0.1 * most
        assert 0.9 * most < drawn[-1] <= most


def test_the_jitter_comes_on_top_of_what_the_server_asked_for() -> None:
    drawn = [pause for _ in range(200) for pause in _pauses(3.0, 1) if pause is not None]
    assert min(drawn) >= 3.0
    assert 3.4 < max(drawn) <= 3.5


def test_no_attempt_begins_after_the_time() -> None:
    now = 0.0
    retries = Retries(RetrySettings(100, 86_400.0, 10.0, clock=lambda: now))
    assert (retries.pause_s(None) or 0) <= 10.0
    now = 9.0
    assert (retries.pause_s(0.5) or 9) <= 1.0
    assert retries.pause_s(1.0) is None  # it would be too late, and sooner is not what was asked
    now = 10.0
    assert retries.pause_s(None) is None


def test_a_retry_after_beyond_the_time_ends_the_call_at_once() -> None:
    sent, error = _run(QUERY, [httpx.Response(429, headers={"retry-after": "31"})], retry_max_s=30)
    assert len(sent) == 1
    assert isinstance(error, ResponseError)
    assert error.retry_after_s == 31.0


def _dated(after: str, date: str | None = None) -> float | None:
    return retry_after_s(httpx.Response(503, headers={"retry-after": after} | ({"date": date} if date else {})))


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    assert _dated("0") == 0.0
    assert _dated(" 17 ") == 17.0
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert _dated("Wed, 21 Oct 2015 07:29:30 GMT", date) == 90.0
    assert _dated("Wed, 21 Oct 2015 07:29:30 -0000", date) == 90.0
    assert _dated("Wed, 21 Oct 2015 07:27:00 GMT", date) == 0.0
    without = _dated(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert without is not None
    assert 50 < without <= 60


@pytest.mark.parametrize("after", ["9" * 400, "99999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_a_day_at_most(after: str) -> None:
    assert _dated(after) == 86_400.0


@pytest.mark.parametrize("after", ["", "soon", "-1", "1.5", "1e3", "٣", "Wed, 99 Oct 2015 99:99:99 GMT", "²"])
def test_a_retry_after_that_cannot_be_read_says_nothing(after: str) -> None:
    response = httpx.Response(503, headers=[(b"retry-after", after.encode())])
    assert retry_after_s(response) is None


@pytest.mark.parametrize(
    "options",
    [{"retry_attempts": 0}]
    + [
        {name: value}
        for name in ("timeout_s", "retry_backoff_s", "retry_max_s")
        for value in (-1, 86_401, float("inf"), float("nan"))
    ]
    + [{"timeout_s": 0}],
)
def test_settings_that_cannot_be_or_wait_for_ever_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Exchange("http://gateway/graphql", **options)  # type: ignore[arg-type]


def test_the_old_name_of_the_time_is_taken_with_a_warning_that_shows_its_caller() -> None:
    with pytest.warns(DeprecationWarning, match=r"^retry_most_s is deprecated: write retry_max_s\.$") as warned:
        client = Client("http://gateway/graphql", retry_most_s=1)
    client.close()
    assert [warning.filename for warning in warned] == [__file__]
    warns = pytest.warns(DeprecationWarning, match="retry_most_s")
    with warns, pytest.raises(ValueError, match="retry_max_s must be at least 0 s"):
        Exchange("http://gateway/graphql", retry_most_s=-1)
