"""What a gateway logs, at every level, of what it is sent: no credential, and no value of a variable."""

import logging
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from deploy.embedded.engines import StoreUrls
from deploy.fleet.set_up import create_tables
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.errors import StatementFailed
from tests.conftest import NewDatabase
from tests.fuzz.conftest import Watched
from tests.gateway.auth.issuing import SECRET, signed
from tests.gateway.in_process import opened

VALUE = "NOBODY7"
"""What every variable has, in one form or another: short enough to be looked for in the stores."""
QUOTED = f"{VALUE}'). ("

ASKED: list[dict[str, Any]] = [
    {"query": "query($i: [ID!]!) { aircraftByIds(ids: $i) { id } }", "variables": {"i": [VALUE, QUOTED]}},
    {"query": "query($c: ID!) { airline(code: $c) { name } }", "variables": {"c": VALUE}},
    {"query": "query($n: Int) { fleet(first: $n) { totalCount } }", "variables": {"n": VALUE}},
    {"query": "query($a: String) { fleet(after: $a) { totalCount } }", "variables": {"a": VALUE}},
    {"query": "query($m: String) { fleet(filter: {manufacturer: $m}) { totalCount } }", "variables": {"m": VALUE}},
    {"query": "query($m: Int) { fleet(first: $m", "variables": {"m": VALUE}},
    {"query": "{ __typename }", "variables": VALUE},
    {"id": VALUE},
]

FLIGHTS = "query($i: [ID!]!) { aircraftByIds(ids: $i) { id analysis { punctuality { flights } } } }"


def test_no_credential_and_no_variable_is_in_the_log_at_any_level(watched: Watched) -> None:
    token = signed(SECRET, "HS256")
    unknown = watched.api_key[:-1] + ("A" if watched.api_key[-1] != "A" else "E")
    values = [
        {"X-API-Key": watched.api_key},
        {"Authorization": f"Bearer {watched.api_key}"},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"Bearer {unknown}"},
        {"Authorization": f"Bearer {token}{VALUE}"},
        {"Authorization": f"Basic {VALUE}"},
        {"X-API-Key": VALUE},
    ]
    statuses = set()
    with httpx.Client(base_url=watched.url, timeout=30) as client:
        for headers in values:
            for body in ASKED:
                statuses.add(client.post("/graphql", json=body, headers=headers).status_code)
            statuses.add(client.get(f"/graphql?query={quote('{ __typename }')}&v={VALUE}", headers=headers).status_code)
            statuses.add(client.get(f"/export/analysis?ids={VALUE}&after={VALUE}", headers=headers).status_code)
    assert statuses == {200, 400, 401, 403}
    log = watched.log.read_text()
    for line in ("INFO:gateway.requests:", "WARNING:gateway.operations:", "WARNING:gateway.statements:"):
        assert f"\n{line}" in log
    secret = watched.api_key.rpartition("_")[2]
    for text in (VALUE, secret, unknown.rpartition("_")[2], token, token.rpartition(".")[2], SECRET):
        assert text not in log


async def test_a_store_that_refuses_a_statement_has_no_variable_logged(
    store_urls: StoreUrls, new_database: NewDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with new_database() as new:
        await create_tables(*new.stores)
        for name in (VALUE, QUOTED):
            await new.stores.postgres.execute("insert into aircraft (tail_number) values ($1)", name)
        await new.stores.clickhouse.command("drop table flights")
        urls = StoreUrls(new.database_url, new.clickhouse_url, store_urls.redis_url)
        async with opened(urls, cache=False) as client:
            answer = await client.post("/graphql", json={"query": FLIGHTS, "variables": {"i": [VALUE, QUOTED]}})
            await new.stores.postgres.execute("drop table aircraft cascade")
            other = await client.post("/graphql", json=ASKED[0])
    for errors in (answer.json()["errors"], other.json()["errors"]):
        assert {error["extensions"]["code"] for error in errors} == {"COLUMN_UNAVAILABLE"}
        assert errors[0]["extensions"]["id"] in caplog.text
    assert ".flights'" in caplog.text  # what a reader of the log needs to know
    assert VALUE not in caplog.text


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select {value:Int32}", "Value … cannot be parsed as Int32 for query parameter 'value'"),
        ("select {value:Array(Int32)}", "value … cannot be parsed as Array(Int32)"),
        ("select toInt32({value:String} || toString(number)) from numbers(2)", "Cannot parse string … as Int32"),
        ("select number + {value:String} from numbers(2)", "(ILLEGAL_TYPE_OF_ARGUMENT)"),
        ("select nope from numbers(2) where {value:String} != ''", "Unknown expression identifier `nope`"),
    ],
)
async def test_what_clickhouse_repeats_of_its_parameters_is_left_out(
    clickhouse: ClickHouse, statement: str, told: str
) -> None:
    for value in (VALUE, f"{VALUE} cannot be parsed as", f"{VALUE}. (X) (version", f"{VALUE}\n"):
        with pytest.raises(StatementFailed) as failed:
            await clickhouse.columns(statement, {"value": value})
        assert VALUE not in str(failed.value)
        assert told in str(failed.value)
