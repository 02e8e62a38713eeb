"""The settings of other origins' pages: what is certain is put right, and the rest ends the start with a sentence."""

import pytest

from gateway.http.cors_settings import parse_headers, parse_origins
from gateway.setting import SettingsError
from tests.gateway.command_line import run_command


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", set()),
        (" , ,", set()),
        ("*", {"*"}),
        ("https://a.example", {"https://a.example"}),
        ("https://a.example/", {"https://a.example"}),
        ("HTTPS://A.Example", {"https://a.example"}),
        ("https://a.example:443", {"https://a.example"}),
        ("https://a.example:0443/", {"https://a.example"}),
        ("https://a.example:", {"https://a.example"}),
        ("http://a.example:80", {"http://a.example"}),
        ("http://a.example:443", {"http://a.example:443"}),
        ("https://a.example:80", {"https://a.example:80"}),
        ("http://localhost:3000", {"http://localhost:3000"}),
        ("'https://a.example'", {"https://a.example"}),
        ('"https://a.example, https://b.example"', {"https://a.example", "https://b.example"}),
        ('"https://a.example", "https://b.example"', {"https://a.example", "https://b.example"}),
        ("https://a.example https://b.example\n", {"https://a.example", "https://b.example"}),
        ("https://a.example,https://A.example/", {"https://a.example"}),
        ("https://xn--bcher-kva.example", {"https://xn--bcher-kva.example"}),
        ("https://a_b.example.", {"https://a_b.example."}),
        ("http://127.0.0.1:8000", {"http://127.0.0.1:8000"}),
        ("http://[2001:DB8:0::1]:8080/", {"http://[2001:db8::1]:8080"}),
        ("http://[::FFFF:1.2.3.4]", {"http://[::ffff:102:304]"}),
        ("capacitor://localhost", {"capacitor://localhost"}),
        ("chrome-extension://abcdefghijklmnop", {"chrome-extension://abcdefghijklmnop"}),
    ],
)
def test_origins_are_as_browsers_send_them(text: str, origins: set[str]) -> None:
    assert parse_origins(text) == origins
    assert parse_origins(",".join(parse_origins(text))) == origins


_LACKS = "it lacks http:// or https://"
_PATH = "an origin has no path or query"
_SCHEME = "pages have http or https"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("dashboard.example", _LACKS),
        ("//dashboard.example", _LACKS),
        ("localhost:3000", _LACKS),
        ("null", "`null` is the origin of any page that hides its own"),
        ("https://a.example/app", _PATH),
        ("https://a.example//", _PATH),
        ("https://a.example?x", _PATH),
        ("https://a.example/#", _PATH),
        ("htps://a.example", _SCHEME),
        ("wss://a.example", _SCHEME),
        ("file://a", _SCHEME),
        ("https://*.example", "`*` stands for all and for no part of one: list each host"),
        ("https://*", "`*` stands for all and for no part of one: list each host"),
        ("https://bücher.example", "a browser sends such a host in Punycode (xn--…): write that"),
        ("https://a.example:0", "a port is from 1 to 65535"),
        ("https://a.example:65536", "a port is from 1 to 65535"),
        ("https://a.example:port", "it cannot be read"),
        ("https://a.example:1:2", "it cannot be read"),
        ("https://", "it cannot be read"),
        ("https://u:p@a.example", "an origin has no user"),
        ("https://-a.example", "'-a.example' is no host"),
        ("https://a..example", "'a..example' is no host"),
        ("https://a%20b", "'a%20b' is no host"),
        ("http://127.1", "127.1 is no address"),
        ("http://0x7f.1", "0x7f.1 is no address"),
        ("http://256.0.0.1", "256.0.0.1 is no address"),
        ("http://[::1", "it cannot be read"),
        ("http://[::g]", "[::g] is no address"),
        ("http://[fe80::1%eth0]", "[fe80::1%eth0] is no address"),
        ("https://a.example;", "'a.example;' is no host"),
        ("[https://a.example]", "it cannot be read"),
    ],
)
def test_an_entry_that_no_browser_sends_is_named(entry: str, reason: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_origins(f"https://good.example, {entry}")
    must = "GATEWAY_CORS_ORIGINS must be origins like https://dashboard.example or http://localhost:3000, or `*`"
    assert str(raised.value) == f"{must}, and {entry!r} is none: {reason}."


def test_headers_are_names_in_lower_case() -> None:
    assert parse_headers("") == ()
    assert parse_headers(' "X-Team", x-tenant') == ("x-team", "x-tenant")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("*", "GATEWAY_CORS_HEADERS must name each header: `*` would leave out Authorization."),
        ("x-team:", "GATEWAY_CORS_HEADERS must be names of headers, and 'x-team:' is none."),
        ("x-ü", "GATEWAY_CORS_HEADERS must be names of headers, and 'x-ü' is none."),
        *(
            (
                name,
                f"GATEWAY_CORS_HEADERS must be headers that pages can set, and browsers let none set {name!r}.",
            )
            for name in ("Cookie", "Host", "Sec-Fetch-Site", "Proxy-Authorization", "origin")
        ),
    ],
)
def test_a_header_that_no_page_sends_is_named(entry: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_headers(f"x-good,{entry}")
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("GATEWAY_CORS_ORIGINS", "dashboard.example", "'dashboard.example' is none"),
        ("GATEWAY_CORS_HEADERS", "*", "must name each header"),
        ("GATEWAY_ROOT_PATH", "https://fleet.example/api", "must be a path like /api"),
    ],
)
def test_a_setting_that_would_never_match_ends_the_start(variable: str, value: str, what: str) -> None:
    urls = {"DATABASE_URL": "postgresql://x:1/x", "CLICKHOUSE_URL": "http://x:1", "REDIS_URL": "redis://x:1"}
    answer = run_command("serve", environment={**urls, variable: value})
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"gateway: {variable} ")
    assert what in answer.stderr
    assert answer.stderr.count("\n") == 1
