"""Rows about the gateway's own process, and the edge before it."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import asyncpg
import httpx
import psutil

from benchmarks.nginx import running_edge, unlimited
from benchmarks.reliability.store_rows import ask, until
from benchmarks.servers import connections_to, installed, until_asked
from tests.chaos.soak import soak
from tests.chaos.world import World

_SOAK_S: Final = 60.0
_UNDER_WAY: Final = 100


async def memory(world: World) -> str:
    """Return the memory before and after a soak of a minute."""
    result = await soak(world, _SOAK_S, _SOAK_S / 5, 1.0)
    before, after = result.before.rss_mib, result.after.rss_mib
    return f"{before:.0f} to {after:.0f} MiB ({after / before - 1:+.0%}); {len(result.violations)} promises not kept"


async def over_http2(world: World) -> str:
    """Return the statuses of 5,000 GETs through the edge, over one connection and over six."""
    nginx, h2load = installed("nginx"), installed("h2load")
    if nginx is None or h2load is None:
        return "not measured: nginx or h2load is not installed"
    text = ", ".join(f'"{item}"' for item in world.model.ids(1, 10))
    query = world.model.queries["dashboard"].replace("$ids: [ID!]!, ", "").replace("$ids", f"[{text}]")
    texts = []
    for connections in (1, 6):
        with tempfile.TemporaryDirectory(prefix="edge-") as folder:
            started = running_edge(nginx, Path(folder), [urlsplit(str(world.client.base_url)).netloc], unlimited)
            edge = await asyncio.to_thread(started.__enter__)
            try:
                command = [h2load, "-n5000", f"-c{connections}", "-m100", f"-Bunix:{edge.h2c_socket}"]
                url = f"http://edge/graphql?{urlencode({'query': query})}"
                done = await asyncio.create_subprocess_exec(*command, url, stdout=asyncio.subprocess.PIPE)
                output = (await done.communicate())[0].decode()
            finally:
                await asyncio.to_thread(started.__exit__, None, None, None)
        lines = [line for line in output.splitlines() if line.startswith(("status codes", "requests:"))]
        texts.append(f"{connections}: {'; '.join(lines)}")
    return " / ".join(texts)


async def stopped(world: World, process: psutil.Process, database_url: str) -> str:
    """Return what becomes of 100 requests under way when the gateway is told to stop while PostgreSQL hangs."""
    url = str(world.client.base_url)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    own = replace(world, client=httpx.AsyncClient(base_url=url, timeout=40, limits=limits))
    locking = await asyncpg.connect(database_url)
    others = connections_to(url)
    try:
        async with own.client, locking.transaction():
            await locking.execute("lock table aircraft in access exclusive mode")
            clients = [asyncio.create_task(ask(own, 5)) for _ in range(_UNDER_WAY)]
            await until_asked(url, clients, others=others)  # who connects later is refused
            os.kill(process.pid, signal.SIGTERM)
            start = time.monotonic()
            answers = await asyncio.gather(*clients)
            await until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
            ended_s = time.monotonic() - start
    finally:
        await locking.close()
    kinds = Counter(f"{answer.status}{' with errors' if answer.errors else ''}" for answer in answers)
    return f"{', '.join(f'{count} are {kind}' for kind, count in kinds.items())}; ended after {ended_s:.1f} s"
