"""Content encodings."""

from __future__ import annotations

import pytest

from deploy.embedded.clickhouse_http import compression
from deploy.embedded.clickhouse_http.errors import ClickHouseError

BODY = b"one body " * 1000


@pytest.mark.parametrize("encoding", list(compression.COMPRESSORS))
def test_every_encoding_leads_back_even_in_several_frames(encoding: str) -> None:
    packed = compression.COMPRESSORS[encoding](BODY)
    assert compression.decompress(packed, encoding, len(BODY)) == BODY
    assert compression.decompress(packed + packed, encoding, 2 * len(BODY)) == BODY + BODY


@pytest.mark.parametrize("encoding", list(compression.COMPRESSORS))
def test_small_body_that_unpacks_to_a_large_one_is_refused(encoding: str) -> None:
    packed = compression.COMPRESSORS[encoding](bytes(10 << 20))
    with pytest.raises(ClickHouseError) as raised:
        compression.decompress(packed, encoding, 1 << 20)
    assert raised.value.status == 413


@pytest.mark.parametrize("encoding", list(compression.COMPRESSORS))
def test_broken_body_is_an_error(encoding: str) -> None:
    packed = compression.COMPRESSORS[encoding](BODY)
    for broken in (packed[: len(packed) // 2], b"nonsense" * 10):
        with pytest.raises(ClickHouseError):
            compression.decompress(broken, encoding, len(BODY))


def test_unknown_encoding_is_refused_and_none_is_no_encoding() -> None:
    assert compression.decompress(BODY, "identity", len(BODY)) == BODY
    with pytest.raises(ClickHouseError) as raised:
        compression.decompress(BODY, "compress", len(BODY))
    assert raised.value.status == 501


def test_encoding_is_chosen_from_what_the_client_takes() -> None:
    assert compression.choose("gzip, deflate") == "gzip"
    assert compression.choose("deflate;q=0.5, zstd") == "zstd"
    assert compression.choose("br") is None
    assert compression.choose("") is None
