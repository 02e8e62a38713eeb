"""What can go wrong between the gateway and a store, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.loaders.stores.proxy import FAULTS, Between, Response
from tests.loaders.stores.proxy import Fault as Damage


@dataclass(frozen=True, slots=True)
class Fault:
    """What a proxy does to its connections, those that are open and new ones."""

    name: str
    delay_s: float = 0.0
    """How long each piece of an answer takes."""
    jitter_s: float = 0.0
    """What may be added to that, at random for each piece."""
    refuses: bool = False
    """Nothing listens, and open connections are reset."""
    cuts: bool = False
    """Connections are reset, and new ones as soon as they are made."""
    cut_after_bytes: int | None = None
    """How much of the answers each connection passes until it is reset."""
    half_closes: bool = False
    """The end of the answers is said at once; what the client sends is still taken."""
    swallows: bool = False
    """Connections are made and kept, and nothing passes in either direction."""
    bytes_per_s: int | None = None
    """How slowly answers drip."""
    garbles: bool = False
    """Answers are random bytes, as many as there were."""
    truncates: bool = False
    """Each piece of an answer ends at a random byte, and the connection with it."""
    damage: Damage | None = None
    """What is made of an HTTP response; the connection ends with it."""
    exchanges: bool = False
    """Two HTTP responses that are under way at a time change places; one that is alone becomes empty."""
    answers: int | None = None
    """How many answers or pieces of them it concerns, on all connections together; the others pass."""


@dataclass(frozen=True, slots=True)
class WrongLength(Response):
    """A response whose `Content-Length` is of more than comes before the connection ends."""

    missing: int = 1

    def encoded(self) -> bytes:
        """Its bytes, without the last ones."""
        whole = replace(self, framed=True).body
        right = Response(self.headers, whole, self.status).encoded()
        return right[: len(right) - min(self.missing, len(whole) or 1)]


@dataclass(frozen=True, slots=True)
class Chunked(Response):
    """A response in chunks of 1,000 bytes."""

    end: bytes = b"0\r\n\r\n"
    size_format: str = "{:x}"
    """How the sizes of chunks are written."""

    def encoded(self) -> bytes:
        """Its bytes; with another `end`, or other sizes, it is not whole."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"HTTP/1.1 {self.status} OK\r\n{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        pieces = [self.body[start : start + 1000] for start in range(0, len(self.body), 1000)]
        chunks = [self.size_format.format(len(piece)).encode() + b"\r\n" + piece + b"\r\n" for piece in pieces]
        return head.encode() + b"".join(chunks) + self.end


def _truncated(response: Response, between: Between) -> bytes:
    return response.body[: between.random.randrange(max(1, len(response.body)))]


def _wrong_length(response: Response, between: Between) -> Response:
    missing = between.random.randint(1, max(1, len(response.body)))
    return WrongLength(response.headers, response.body, response.status, missing=missing)


def _truncated_chunks(response: Response, between: Between) -> Response:
    return Chunked(response.headers, _truncated(response, between), response.status)


def _chunks_without_end(response: Response, between: Between) -> Response:
    return Chunked(response.headers, _truncated(response, between), response.status, end=b"")


def _malformed_chunks(response: Response, between: Between) -> Response:
    size_format = between.random.choice(["z{:x}", "-{:x}", "", "{:x}{:x}", "ffffffff{:x}"])
    return Chunked(response.headers, response.body or b"x", response.status, size_format=size_format)


_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\r\n"


def _proxy_page(status: int) -> Damage:
    return lambda _, __: Response({"Content-Type": "text/html", "Server": "nginx"}, _PAGE, status)


REFUSED = Fault("refused", refuses=True)
CUT = Fault("cut", cuts=True)
CUT_MID_ANSWER = Fault("cut mid-answer", cut_after_bytes=400)
HALF_CLOSED = Fault("half-closed", half_closes=True)
BLACK_HOLE = Fault("black hole", swallows=True)
SLOW_DRIP = Fault("slow drip", bytes_per_s=50)
GARBAGE = Fault("garbage", garbles=True)
LATENCY = Fault("latency", delay_s=0.1)
JITTER = Fault("jitter", jitter_s=0.2)
LATE = Fault("late answers", delay_s=5.0)
TRUNCATED = Fault("truncated answers", truncates=True)

STREAM_FAULTS = (
    REFUSED, CUT, CUT_MID_ANSWER, HALF_CLOSED, BLACK_HOLE, SLOW_DRIP, GARBAGE, LATENCY, JITTER, LATE, TRUNCATED,
)  # fmt: skip
"""Those that any store's connection may have."""

EXCHANGED = Fault("exchanged answers", exchanges=True)
_DAMAGES: dict[str, Damage] = {
    **FAULTS,
    "a wrong length": _wrong_length,
    "truncated chunks": _truncated_chunks,
    "chunks without an end": _chunks_without_end,
    "malformed chunks": _malformed_chunks,
    "a proxy's page with 200": _proxy_page(200),
    "a proxy's page with 502": _proxy_page(502),
}
HTTP_FAULTS = (EXCHANGED, *(Fault(name, damage=damage) for name, damage in _DAMAGES.items()))
"""Those of an answer over HTTP: another one than the store gave comes, most with status 200."""
