"""Keys, tokens and variables are in no message and no repr."""

import pytest

from fuseway_client import (
    AsyncClient,
    Client,
    Operation,
    TransportError,
)
from tests.client.conftest import (
    QUERY,
    Connect,
    Hole,
)

SECRET = "s3cr3t-k3y"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_no_secret_is_shown(kind: type[Client | AsyncClient]) -> None:
    client = kind(f"http://gateway/graphql?key={SECRET}", token=SECRET)
    assert repr(client) == f"<{kind.__name__} http://gateway/graphql>"
    steps = client._exchange.execute(Operation(QUERY, {"password": SECRET}))
    assert SECRET not in repr(Operation(QUERY, {"password": SECRET}))
    send = next(steps)
    assert send.headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(send)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://gateway/graphql", {"token": f"{SECRET}\r\nx: y"}),
        ("http://gateway/graphql", {"api_key": f"{SECRET} "}),
        ("http://gateway/graphql", {"api_key": f"{SECRET}é"}),
        ("http://gateway/graphql", {"token": ""}),
        ("http://gateway/graphql", {"api_key": SECRET, "token": SECRET}),
        (f"http://user:{SECRET}@gateway/graphql", {}),
        (f"ftp://gateway/{SECRET}", {}),
        (f"/graphql?{SECRET}", {}),
        (f"http://gateway/graphql#{SECRET}", {}),
        (f"http://{SECRET}:port/graphql", {}),
    ],
)
def test_arguments_that_cannot_be_are_refused_without_their_secrets(url: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^(The gateway's URL|The api_key|Give api_key)") as raised:
        Client(url, **options)  # type: ignore[arg-type]
    assert SECRET not in str(raised.value) + repr(raised.value)


async def test_no_failure_shows_the_key(connect: Connect, losing: Hole) -> None:
    with pytest.raises(TransportError) as raised:
        await connect(losing.url, api_key=SECRET, retry_attempts=1).execute(QUERY)
    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET not in str(error) + repr(error)
        error = error.__cause__ or error.__context__
