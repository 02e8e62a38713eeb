"""Which hosts a gateway answers for: its own machine's and those that are set, so that no rebound name reads it."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from gateway import health
from gateway.commands.run import OPEN_DEFAULTS
from gateway.http.hosts import AllowedHostsMiddleware, parse_allowed_hosts
from gateway.http.paths import CanonicalPathsMiddleware
from gateway.setting import SettingsError
from gateway.settings import Settings
from tests.gateway.http.conftest import NewGateway

OWN = [
    "localhost",
    "LOCALHOST:8000",
    "localhost.",
    "app.localhost:1",
    "127.0.0.1",
    "127.9.9.9:8000",
    "[::1]",
    "[::1]:8000",
]
OWN += ["[::ffff:127.0.0.1]:1", "127.0.0.1:"]
STRANGE = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "notlocalhost",
    "127.0.0.1.evil.example",
    "0.0.0.0",
]
STRANGE += [
    "192.0.2.1",
    "[2001:db8::1]",
    "[::1",
    "a b",
    "é",
    "localhost@evil.example",
    "evil.example:localhost",
    "*",
    "::1:x",
]
ASKED = "/graphql?query=%7B__typename%7D"


@pytest.mark.parametrize("host", OWN)
async def test_this_machines_names_are_answered(new_gateway: NewGateway, host: str) -> None:
    async with new_gateway(allowed_hosts="localhost") as item:
        assert (await item.client.get(ASKED, headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", [*STRANGE, ""])
async def test_any_other_host_is_421_with_a_sentence(new_gateway: NewGateway, host: str) -> None:
    async with new_gateway(allowed_hosts="localhost", graphiql=True, cors_origins="*") as item:
        for method, path in (
            ("GET", ASKED),
            ("POST", "/graphql"),
            ("OPTIONS", "/graphql"),
            ("GET", "/graphql/"),
            ("GET", "/graphiql"),
            ("GET", "/export/analysis?ids=N14228"),
            ("GET", "/nothing"),
        ):
            answer = await item.client.request(method, path, headers=[(b"host", host.encode("latin-1"))])
            assert answer.status_code == 421, path
            (error,) = answer.json()["errors"]
            assert error["extensions"] == {"code": "MISDIRECTED_REQUEST"}
            assert error["message"].endswith(": GATEWAY_ALLOWED_HOSTS can add it.")
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_each_of_several_hosts_is_looked_at(new_gateway: NewGateway) -> None:
    async with new_gateway(allowed_hosts="localhost") as item:
        headers = [(b"host", b"localhost"), (b"host", b"evil.example")]
        assert (await item.client.get(ASKED, headers=headers)).status_code == 421


async def test_hosts_that_are_set_are_answered_and_any_where_all_are(new_gateway: NewGateway) -> None:
    async with new_gateway(allowed_hosts='"Shop.Example., 10.1.2.3 ::2"') as item:
        for host, status in (
            ("shop.example:8443", 200),
            ("SHOP.example.", 200),
            ("10.1.2.3", 200),
            ("[0::2]:1", 200),
            ("localhost", 200),
            ("api.shop.example", 421),
            ("10.1.2.4", 421),
        ):
            assert (await item.client.get(ASKED, headers={"host": host})).status_code == status, host
    async with new_gateway() as item:
        assert (await item.client.get(ASKED, headers={"host": "any.example"})).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/livez/"])
async def test_probes_may_ask_by_any_address_and_by_no_other_name(path: str) -> None:
    app = Starlette(routes=[Route(item, health.live) for item in health.PATHS])
    checked = CanonicalPathsMiddleware(AllowedHostsMiddleware(app, {"shop.example"}, health.PATHS), health.PATHS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(checked), base_url="http://shop.example") as client:
        for host, status in (("10.0.3.7:8000", 200), ("[2001:db8::1]:8000", 200), ("", 200), ("evil.example", 421)):
            assert (await client.get(path, headers={"host": host})).status_code == status


def test_run_answers_for_its_own_machine_alone_and_serve_for_any() -> None:
    assert Settings.from_environment({}, defaults=OPEN_DEFAULTS).allowed_hosts == "localhost"
    value = {"GATEWAY_ALLOWED_HOSTS": "box.lan"}
    assert Settings.from_environment(value, defaults=OPEN_DEFAULTS).allowed_hosts == "box.lan"
    assert parse_allowed_hosts(Settings.from_environment({}).allowed_hosts) == {"*"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("https://shop.example", "'https://shop.example' is no host"),
        ("shop.example:8443", "'shop.example:8443' is no host"),
        ("shop.example/", "'shop.example/' is no host"),
        ("*.example", "`*` stands for all and for no part of one: list each host"),
        ("bücher.example", "a browser sends such a host in Punycode (xn--…): write that"),
        ("10.1", "10.1 is no address"),
        ("[::g]", "[::g] is no address"),
    ],
)
def test_an_entry_that_is_no_host_is_named(entry: str, reason: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_allowed_hosts(f"good.example, {entry}")
    assert str(raised.value) == (
        "GATEWAY_ALLOWED_HOSTS must be hosts like shop.example or 10.1.2.3, without scheme, port and path, or `*`, and "
        f"{entry!r} is none: {reason}."
    )
