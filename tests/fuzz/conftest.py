"""One gateway that logs all it can, for tests that ask it whatever comes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.embedded.engines import StoreUrls
from gateway.auth.api_keys import hash_of, new_key, text_of
from loaders.api_keys import ApiKeys
from tests.conftest import Stores
from tests.fleet.served import ALL_SCOPES
from tests.gateway.auth.issuing import AUDIENCE, ISSUER, SECRET
from tests.gateway.conftest import served


@dataclass(frozen=True, slots=True)
class Watched:
    """A gateway in a process of its own, what it logs, and a key that it takes."""

    url: str
    log: Path
    process: psutil.Process
    api_key: str

    def errors(self) -> list[str]:
        """What it has logged of errors."""
        return [
            line for line in self.log.read_text().splitlines() if line.startswith(("ERROR", "CRITICAL", "Traceback"))
        ]


@pytest.fixture(scope="session")
async def watched(
    store_urls: StoreUrls, sample_stores: Stores, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Watched]:
    """It takes the key, tokens signed with SECRET, and requests without either."""
    key_id, secret = new_key()
    await ApiKeys(sample_stores.postgres).add(key_id, "fuzz", hash_of(secret), sorted(ALL_SCOPES), model="fleet")
    log = tmp_path_factory.mktemp("fuzz") / "log"
    tokens = {"GATEWAY_JWT_SECRET": SECRET, "GATEWAY_JWT_AUDIENCE": AUDIENCE, "GATEWAY_JWT_ISSUER": ISSUER}
    lines = {
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_LOG_REQUESTS": "all",
        "GATEWAY_SLOW_OPERATION_S": "0.000001",
        "GATEWAY_SLOW_STATEMENT_S": "0.000001",
        "GATEWAY_LOG_LINES_PER_S": "100000",
    }
    before = {child.pid for child in psutil.Process().children()}
    try:
        with log.open("wb") as file, served(store_urls, file, **tokens, **lines) as url:
            (process,) = [
                child
                for child in psutil.Process().children()
                if child.pid not in before and child.cmdline()[-2:] == ["gateway", "serve"]
            ]
            yield Watched(url, log, process, text_of(key_id, secret))
    finally:
        await sample_stores.postgres.execute("delete from gateway_internal.api_keys where id = $1", key_id)
