"""Forms of requests' credentials, and which of them hold one: the gateway and the edge must judge alike."""

import http.client
from urllib.parse import urlsplit

Lines = list[tuple[str, str]]

ABSENT: dict[str, Lines] = {
    "none": [],
    "empty Authorization": [("Authorization", "")],
    "blank Authorization": [("Authorization", " \t ")],
    "Bearer without a token": [("Authorization", "Bearer")],
    "bearer and blanks": [("authorization", "bearer \t")],
    "empty X-API-Key": [("X-API-Key", "")],
    "blank X-API-Key": [("x-api-key", "\t ")],
    "two empty keys": [("X-API-Key", ""), ("X-API-Key", " ")],
    "both empty": [("Authorization", ""), ("X-API-Key", "")],
    "Bearer without a token and an empty key": [("Authorization", "Bearer "), ("X-API-Key", "")],
}
"""As good as no credential at all."""

BAD: dict[str, Lines] = {
    "a token": [("Authorization", "Bearer x")],
    "a zero": [("Authorization", "0")],
    "another scheme": [("Authorization", "Basic")],
    "Bearer as a key": [("X-API-Key", "Bearer")],
    "a key": [("X-API-Key", "x")],
    "a key that is zero": [("X-API-Key", "0")],
    "no blank": [("X-API-Key", "\xa0")],
    "Bearer and no blank": [("Authorization", "Bearer\xa0")],
    "two keys": [("X-API-Key", "x"), ("X-API-Key", "y")],
    "a key and an empty one": [("X-API-Key", "x"), ("X-API-Key", "")],
    "an empty token and a key": [("Authorization", "Bearer"), ("X-API-Key", "x")],
    "a token and an empty key": [("Authorization", "Bearer x"), ("X-API-Key", "")],
    "a token and a key": [("Authorization", "Bearer x"), ("X-API-Key", "x")],
}
"""Credentials that are no good: 401."""

AFTER_AN_EMPTY_LINE: dict[str, Lines] = {
    "an empty key and a key": [("X-API-Key", ""), ("X-API-Key", "x")],
    "a blank key and a key": [("X-API-Key", " "), ("x-api-key", "x")],
    "two empty keys and a key": [("X-API-Key", ""), ("X-API-Key", ""), ("X-API-Key", "x")],
    "an empty key and a comma": [("X-API-Key", ""), ("X-API-Key", ",")],
    "Bearer without a token, an empty key and a key": [
        ("Authorization", "Bearer"),
        ("X-API-Key", ""),
        ("X-API-Key", "x"),
    ],
}
"""Bad ones too, which nginx before 1.23 does not see: it looks at the first line."""


def asked(url: str, path: str, lines: Lines) -> http.client.HTTPResponse:
    """The answer to a GET with these lines, each as it is."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.putrequest("GET", path)
    for name, value in lines:
        connection.putheader(name, value.encode("latin-1"))
    connection.putheader("Connection", "close")
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer
