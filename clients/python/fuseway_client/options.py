"""The options of a client."""

from typing import TypedDict


class Options(TypedDict, total=False):
    """Keyword arguments of both clients.

    `api_key` or `token`: sent as `Authorization: Bearer …`. `by_get`: queries go by GET, so that a cache on the way can
    answer them; they are then in the logs of proxies too. `persisted`: by GET and as a hash, with the text only where
    the gateway does not know it yet. `timeout_s`: for a free connection, for connecting, and for each time that nothing
    is sent or received, as httpx has it; an answer that keeps coming may take longer in all. `retry_attempts`: of one
    call, with the first. `retry_backoff_s`: the most to wait before the second; doubles for each further one.
    `retry_max_s`: after the call began, none begins; `retry_most_s` is its old name. All times are a day at most.
    """

    api_key: str | None
    token: str | None
    by_get: bool
    persisted: bool
    timeout_s: float
    retry_attempts: int
    retry_backoff_s: float
    retry_max_s: float
    retry_most_s: float
