"""`gateway export`: the lines of the export on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.conftest import environment_of
from tests.stopped_process import output_of_a_stopped_process

pytestmark = [pytest.mark.slow, pytest.mark.engine]


async def test_lines_are_whole_though_the_command_was_stopped_meanwhile(
    store_urls: StoreUrls, sample_stores: Stores, tmp_path: Path
) -> None:
    busiest = "select tail_number from flights where tail_number != '' group by 1 order by count() desc, 1 limit 10"
    ids = list((await sample_stores.clickhouse.columns(busiest, {})).columns[0])
    (tmp_path / "ids").write_text("\n".join(ids))
    command = ["-m", "gateway", "export", "analysis", "--ids", str(tmp_path / "ids"), "--model", "deploy.fleet.model"]
    output = output_of_a_stopped_process(command, environment_of(store_urls))
    assert len(output) > 1 << 18  # a pipe does not hold it
    assert [json.loads(line)["id"] for line in output.splitlines()] == ids
