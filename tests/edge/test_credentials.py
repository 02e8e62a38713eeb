"""Which requests have a credential: the edge and the gateway judge alike, so that a copy never hides a refusal."""

import pytest

from benchmarks.nginx import Edge
from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.credentials import ABSENT, AFTER_AN_EMPTY_LINE, BAD, Lines, asked
from tests.edge.asking import QUERY, STATUS
from tests.edge.conftest import StartEdge
from tests.edge.upstream import Upstream
from tests.gateway.conftest import served


@pytest.mark.parametrize("lines", ABSENT.values(), ids=ABSENT)
def test_an_empty_credential_is_answered_from_the_copy(edge: Edge, upstream: Upstream, lines: Lines) -> None:
    asked(edge.url, QUERY, [])
    assert asked(edge.url, QUERY, lines).getheader(STATUS) == "HIT"
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("lines", BAD.values(), ids=BAD)
def test_what_is_not_empty_is_for_the_gateway_to_judge(edge: Edge, upstream: Upstream, lines: Lines) -> None:
    asked(edge.url, QUERY, [])
    assert asked(edge.url, QUERY, lines).getheader(STATUS) == "BYPASS"
    forwarded = [(name, upstream.asked[1].headers.getlist(name)) for name in ("authorization", "x-api-key")]
    sent = [(name, [value.strip(" ") for item, value in lines if item.lower() == name]) for name, _ in forwarded]
    assert forwarded == sent


def test_the_edge_refuses_whom_the_gateway_refuses_and_nobody_else(
    start_edge: StartEdge,
    store_urls: StoreUrls,
    sample_stores: Stores,  # noqa: ARG001 - loaded before it serves
) -> None:
    path = "/graphql?query=%7Baircraft(tailNumber:%22N14228%22)%7Bregistration%7Bmodel%7D%7D%7D"
    with served(store_urls) as url:
        edge = start_edge(url.removeprefix("http://"))
        wait_until(lambda: asked(edge.url, path, []).getheader(STATUS) == "HIT")
        for forms, status in ((ABSENT, 200), (BAD, 401), (AFTER_AN_EMPTY_LINE, 401)):
            for name, lines in forms.items():
                assert [asked(item, path, lines).status for item in (url, edge.url)] == [status] * 2, name
