"""Compressed answers: by what the client takes, whole, and kept apart."""

import asyncio
import json
import random
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import brotli
import pytest
import zstandard

from gateway.http.compression import MIN_BYTES, chosen, compressed, compressed_in_parts
from tests.conftest import Stores
from tests.gateway.http.conftest import Gateway, NewGateway, kept
from tests.queries import DASHBOARD

DECODERS: dict[str, Callable[[bytes], Any]] = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": brotli.decompress,
    "gzip": lambda body: zlib.decompress(body, 31),
}
LOG = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { analysis { flightLog(first: 200) { edges { cursor node { date scheduledDeparture carrier flightNumber origin destination distanceMiles airTime departureDelay arrivalDelay status } } } } } }"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("*", "zstd"),
        ("*;q=0.5, gzip;q=0.9", "gzip"),
        ("zstd;q=0, *", "br"),
        ("zstd;q=0, br;q=0, *", "gzip"),
        ("zstd;q=0.1, gzip;q=0.8, br;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("gzip ; q=1.0", "gzip"),
        ("gzip;q=nonsense", None),
        ("gzip;q=nan, br;q=0.1", "br"),
        ("deflate, compress, x-gzip", None),
        (",,;,", None),
    ],
)
def test_the_client_has_the_encoding_that_it_likes_best(accepted: str, encoding: str | None) -> None:
    assert chosen(accepted) == encoding


@pytest.mark.parametrize("encoding", DECODERS)
@pytest.mark.parametrize("size", [0, 1, 1_000, 100_000, 3_000_000])
async def test_what_is_compressed_is_the_same_again(encoding: str, size: int) -> None:
    for body in (random.Random(size).randbytes(size), b"{}" * (size // 2)):
        assert DECODERS[encoding](await compressed(body, encoding)) == body


async def raw(gateway: Gateway, accepted: str, body: object, **headers: str) -> tuple[Any, bytes]:
    """The answer, and its bytes as they were sent."""
    sent = {"accept-encoding": accepted, **headers}
    async with gateway.client.stream("POST", "/graphql", json=body, headers=sent) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("encoding", DECODERS)
async def test_an_answer_is_compressed_and_says_so(gateway: Gateway, encoding: str) -> None:
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228", "N725MQ", "none"] * 10}}
    plain, text = await raw(gateway, "identity", body)
    answer, packed = await raw(gateway, encoding, body)
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == encoding
    assert int(answer.headers["content-length"]) == len(packed) < len(text) / 3
    assert DECODERS[encoding](packed) == text
    assert (
        plain.headers["vary"]
        == answer.headers["vary"]
        == "Accept, Accept-Encoding, Authorization, X-API-Key, GraphQL-Cost"
    )


async def test_a_small_answer_is_sent_as_it_is(gateway: Gateway) -> None:
    answer, text = await raw(gateway, "gzip", {"query": "{ __typename }"})
    assert "content-encoding" not in answer.headers
    assert len(text) < MIN_BYTES
    assert answer.headers["vary"] == "Accept, Accept-Encoding, Authorization, X-API-Key, GraphQL-Cost"


@pytest.mark.parametrize("encoding", DECODERS)
async def test_a_large_answer_is_compressed_as_it_is_sent(
    gateway: Gateway, sample_stores: Stores, encoding: str
) -> None:
    flown = "select tail_number from flights group by tail_number order by count() desc, tail_number limit 50"
    ids = list((await sample_stores.clickhouse.columns(flown, {})).columns[0])
    body = {"query": LOG, "variables": {"ids": ids}}
    plain, text = await raw(gateway, "identity", body)
    answer, packed = await raw(gateway, encoding, body)
    assert len(text) > 1 << 20
    assert int(plain.headers["content-length"]) == len(text)
    assert "content-length" not in answer.headers
    assert len(packed) < len(text) / 3  # cursors are sealed, and so are noise
    assert DECODERS[encoding](packed) == text
    assert len(json.loads(text)["data"]["aircraftByIds"]) == 50


async def test_each_encoding_is_kept_for_itself(new_gateway: NewGateway) -> None:
    body = {"query": DASHBOARD, "variables": {"ids": ["N14228", "N725MQ"] * 8}}
    async with new_gateway(cache=True) as item:
        texts = []
        for accepted, encoding in (("gzip", "gzip"), ("", None), ("br, gzip", "br"), ("gzip, deflate", "gzip")):
            headers = {"accept-encoding": accepted}
            await kept(partial(item.client.post, "/graphql", json=body, headers=headers))
            answer, sent = await raw(item, accepted, body)
            assert "age" in answer.headers
            assert answer.headers.get("content-encoding") == encoding
            texts.append(DECODERS[encoding](sent) if encoding else sent)
        assert set(texts) == {texts[0]}
        answer, _ = await raw(item, "x-gzip, gzip;q=0.5", body)
        assert "age" in answer.headers, "what matters is the encoding, not the header's text"


async def test_encodings_share_their_tag(new_gateway: NewGateway) -> None:
    ids = ", ".join(f'"{key}"' for key in ["N14228", "N725MQ"] * 8)
    parameters = {"query": DASHBOARD.replace("query Dashboard($ids: [ID!]!) ", "").replace("$ids", f"[{ids}]")}
    for cache in (False, True):
        async with new_gateway(cache=cache) as item:
            get = item.client.get
            if cache:
                for encoding in ("gzip", "br", ""):
                    await kept(partial(get, "/graphql", params=parameters, headers={"accept-encoding": encoding}))
            answers = [
                await get("/graphql", params=parameters, headers={"accept-encoding": e}) for e in ("gzip", "br", "")
            ]
            (tag,) = {answer.headers["etag"] for answer in answers}
            assert tag.startswith('W/"')
            for encoding in ("gzip", "br", ""):
                headers = {"accept-encoding": encoding, "if-none-match": tag}
                known = await get("/graphql", params=parameters, headers=headers)
                assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
                assert known.headers["vary"] == "Accept, Accept-Encoding, Authorization, X-API-Key, GraphQL-Cost"
                assert {"content-encoding", "content-length", "content-type"}.isdisjoint(known.headers)
                assert ("age" in known.headers) is cache


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


@pytest.mark.parametrize("encoding", DECODERS)
async def test_only_small_bodies_are_compressed_on_the_event_loop(encoding: str) -> None:
    for size, at_once in ((32 << 10, True), ((32 << 10) + 1, False)):
        compressing = asyncio.create_task(compressed(b"x" * size, encoding))
        await asyncio.sleep(0)  # one turn, at the end of which a thread cannot have told
        assert compressing.done() is at_once
        assert DECODERS[encoding](await compressing) == b"x" * size


@pytest.mark.parametrize("encoding", DECODERS)
async def test_parts_of_a_body_are_compressed_off_the_event_loop(encoding: str) -> None:
    body = random.Random(0).randbytes(1 << 20)
    parts = compressed_in_parts(_parts(body), encoding)
    first: asyncio.Future[bytes] = asyncio.ensure_future(anext(parts))
    await asyncio.sleep(0)
    assert not first.done()
    assert DECODERS[encoding](b"".join([await first, *[part async for part in parts]])) == body
