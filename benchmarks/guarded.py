"""Measure the cost of authentication, price estimates and rate limits: the gateway with all of them, and without."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.asking import Client, Endpoint, check_equal, session
from benchmarks.load import QUERY
from benchmarks.measuring import Cell, measure
from benchmarks.processes import endpoint
from deploy import SAMPLE_MODEL

SIZE = 500
UNGUARDED, GUARDED = "gateway, unguarded", "gateway, guarded"
_BUDGET = {"GATEWAY_ANONYMOUS": "none", "GATEWAY_RATE_COST_PER_MINUTE": "1000000000"}


async def measure_guarded(urls: Mapping[str, str], ids: Sequence[str], rounds: int) -> list[Cell]:
    """The dashboard query with nothing cached: with an API key, limits and a budget, and without, in turns."""
    key = new_key(urls, "register:read", "analysis:read")
    with endpoint("unguarded", urls) as without, endpoint("gateway", urls, _BUDGET) as guarded:
        endpoints = [
            Endpoint(UNGUARDED, without),
            replace(Endpoint(GUARDED, guarded), headers={"Authorization": f"Bearer {key}"}),
        ]
        async with session(connections=4) as opened:
            client = Client(opened)
            await check_equal(client, endpoints, QUERY, ids[:SIZE])
            return await measure(client, endpoints, QUERY, ids[:SIZE], rounds)


def new_key(urls: Mapping[str, str], *scopes: str) -> str:
    """Return a new API key with these scopes of the sample fleet."""
    options = [option for scope in scopes for option in ("--scope", scope)]
    command = [sys.executable, "-m", "gateway", "keys", "add", "benchmark", "--model", SAMPLE_MODEL, *options]
    done = subprocess.run(command, env=os.environ | dict(urls), capture_output=True, text=True, check=True)
    return done.stdout.strip()
