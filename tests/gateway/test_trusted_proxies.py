"""Whose word is taken for a client's address and scheme, and which of its words."""

import os
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from deploy.embedded.engines import StoreUrls
from gateway.rate_limit import address
from gateway.setting import SettingsError
from gateway.settings import Settings
from gateway.trusted_proxies import FROM_PROXY, TrustedProxies, TrustedProxiesMiddleware
from tests.gateway.command_line import run_command
from tests.gateway.conftest import environment_of, served

DEFAULT = Settings().trusted_proxies


async def seen(trusted: str, peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    """The scope that reaches the application, of a request of this peer with these headers."""
    scopes: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scopes.append(scope)

    scope: Scope = {
        "type": "http",
        "scheme": scheme,
        "client": (peer, 5_000) if peer is not None else None,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }
    nothing: Any = None
    await TrustedProxiesMiddleware(app, TrustedProxies.parse(trusted))(scope, nothing, nothing)
    return dict(scopes[0])


async def client(trusted: str, peer: str | None, *forwarded_for: str) -> str:
    """The address that the request counts for."""
    return address(await seen(trusted, peer, *(("X-Forwarded-For", value) for value in forwarded_for)))


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"])
async def test_a_proxy_on_this_machine_is_trusted_in_either_notation(peer: str) -> None:
    assert await client(DEFAULT, peer, "203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ("10.1.2.3", "::ffff:10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3"),
        ("10.0.0.0/8", "::ffff:10.200.0.1"),
        ("::ffff:10.0.0.0/104", "10.200.0.1"),
        ("::ffff:0:0/96", "192.0.2.9"),
        ("2001:db8::/32 192.0.2.1", "2001:db8:5::1"),
        ("2001:DB8:0:0::1,192.0.2.1", "2001:db8::1"),
        ("fe80::/10", "fe80::1%eth0"),
    ],
)
async def test_a_proxy_is_trusted_by_its_address_or_its_network(trusted: str, peer: str) -> None:
    assert await client(trusted, peer, "203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        (DEFAULT, "192.0.2.1"),
        (DEFAULT, "::ffff:192.0.2.1"),
        ("10.0.0.0/8", "127.0.0.1"),
        ("10.0.0.0/8", "11.0.0.1"),
        ("none", "127.0.0.1"),
        ("::/0", "192.0.2.1"),
    ],
)
async def test_anyone_else_is_who_they_are(trusted: str, peer: str) -> None:
    scope = await seen(trusted, peer, ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"))
    assert scope["client"] == (peer, 5_000)
    assert scope["scheme"] == "http"
    assert FROM_PROXY not in scope


async def test_a_request_without_an_address_is_left_as_it_is() -> None:
    assert (await seen(DEFAULT, None, ("X-Forwarded-For", "203.0.113.7")))["client"] is None
    assert (await seen(DEFAULT, "127.0.0.1"))["client"] == ("127.0.0.1", 5_000)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["198.51.100.9, 203.0.113.7"], "203.0.113.7"),
        (["198.51.100.9, 203.0.113.7, 10.0.0.2, 10.0.0.3"], "203.0.113.7"),
        (["198.51.100.9", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        (["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7:40312"], "203.0.113.7"),
        (['"203.0.113.7:40312"'], "203.0.113.7"),
        (["[2001:db8:1:2::9]"], "2001:db8:1:2::/64"),
        (['"[2001:db8:1:2::9]:40312"'], "2001:db8:1:2::/64"),
        (["2001:db8:1:2::9"], "2001:db8:1:2::/64"),
        (["[::ffff:203.0.113.7]:40312"], "203.0.113.7"),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["  203.0.113.7\t"], "203.0.113.7"),
    ],
)
async def test_the_client_is_the_rightmost_address_that_is_no_proxys(values: list[str], expected: str) -> None:
    assert await client("10.0.0.0/8", "10.0.0.1", *values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([""], "10.0.0.1"),
        (["unknown"], "10.0.0.1"),
        (["203.0.113.7, unknown"], "10.0.0.1"),
        (["203.0.113.7, _hidden, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.7,"], "10.0.0.1"),
        (["203.0.113.7, 999.1.1.1"], "10.0.0.1"),
        (["203.0.113.7, 1.2.3.4:80:80"], "10.0.0.1"),
        (["203.0.113.7, [2001:db8::1"], "10.0.0.1"),
        (["203.0.113.7, \xff\xfe"], "10.0.0.1"),
    ],
)
async def test_entries_that_are_no_address_share_the_budget_of_the_proxy_that_reports_them(
    values: list[str], expected: str
) -> None:
    assert await client("10.0.0.0/8", "10.0.0.1", *values) == expected


async def test_a_long_list_is_read_from_its_end_and_no_further_than_some_hops() -> None:
    assert await client("10.0.0.0/8", "10.0.0.1", ", ".join(["203.0.113.7"] + ["10.0.0.2"] * 9_000)) == "10.0.0.2"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["https"], "https"),
        (["HTTPS"], "https"),
        (["http"], "http"),
        (["http, https"], "https"),
        (["http", "https"], "https"),
        (["wss"], "http"),
        (["javascript"], "http"),
        ([""], "http"),
    ],
)
async def test_the_scheme_is_http_or_https_as_the_proxy_says(values: list[str], expected: str) -> None:
    scope = await seen(DEFAULT, "127.0.0.1", *(("X-Forwarded-Proto", value) for value in values))
    assert scope["scheme"] == expected
    assert scope[FROM_PROXY] is True


async def test_other_ways_to_say_it_are_not_believed() -> None:
    headers = [("Forwarded", "for=203.0.113.7;proto=https"), ("X-Real-IP", "203.0.113.7")]
    scope = await seen(DEFAULT, "127.0.0.1", *headers)
    assert (scope["client"], scope["scheme"]) == (("127.0.0.1", 5_000), "http")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("edge.internal", "'edge.internal' is none of these."),
        ("10.0.0.0/33", "'10.0.0.0/33' is none of these."),
        ("127.0.0.1, none", "'none' is none of these."),
        ("10.0.0.1/8", "'10.0.0.1/8' is not the start of a network; 10.0.0.0/8 is."),
        ("*", "0.0.0.0/0 and ::/0 together trust everyone."),
    ],
)
def test_what_is_no_address_ends_the_start_with_a_sentence(text: str, rest: str) -> None:
    with pytest.raises(SettingsError) as raised:
        TrustedProxies.parse(text)
    assert str(raised.value).startswith("GATEWAY_TRUSTED_PROXIES must be addresses and networks")
    assert str(raised.value).endswith(rest)


@pytest.mark.parametrize("command", ["serve", "run"])
def test_it_ends_the_start_before_anything_else_does(command: str, store_urls: StoreUrls) -> None:
    environment = os.environ | environment_of(store_urls) | {"GATEWAY_TRUSTED_PROXIES": "edge.internal"}
    answer = run_command(command, environment=environment)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.endswith("'edge.internal' is none of these.\n")


def test_uvicorns_own_variable_is_named_where_it_is_set() -> None:
    (sentence,) = Settings().warnings({"FORWARDED_ALLOW_IPS": "*"})
    assert sentence.startswith("FORWARDED_ALLOW_IPS has no effect: GATEWAY_TRUSTED_PROXIES says it")
    assert Settings().warnings({}) == []


def test_clients_of_a_proxy_that_comes_over_ipv4_to_an_ipv6_socket_have_budgets_of_their_own(
    store_urls: StoreUrls,
) -> None:
    settings = {"GATEWAY_HOST": "::", "GATEWAY_RATE_COST_PER_MINUTE": "120", "FORWARDED_ALLOW_IPS": "192.0.2.1"}
    with served(store_urls, None, **settings) as url:

        def is_answered(forwarded_for: str) -> bool:
            headers = {"X-Forwarded-For": forwarded_for}
            answer = httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}, headers=headers, timeout=60)
            assert answer.status_code in (200, 429)
            return answer.status_code == 200

        first, second = (f"198.18.{os.getpid() % 250}.{host}" for host in (1, 2))
        assert not all(is_answered((first, f"::ffff:{first}")[index % 2]) for index in range(1_000)), "it is used up"
        assert is_answered(second)
