"""Objects of a model whose database fails for a while: a command says so, and a gateway goes on warming its cache."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from benchmarks.servers import wait_until
from deploy.embedded.engines import StoreUrls
from gateway.app import build_app
from gateway.cli import main
from gateway.settings import Settings
from loaders.model.loading import load_model
from tests.conftest import NewDatabase
from tests.patience import REDIS_SETTINGS

MISSING = "The store no longer has the data of this field in the form that the gateway reads."
MODEL = '''
import fuseway as m

db = m.Postgres()
places = db.table("public.places", freshness=m.Freshness(fresh_s=600, stale_while_revalidate_s=0, stale_if_error_s=0))


class Place(m.Object, table=places):
    """A place."""

    code: str = m.key()
    name: str


class PlaceOrder(m.Order, default="name"):
    """How places are ordered."""

    name = m.by("name")


class Query(m.Query):
    """Ways in."""

    all_places: m.Page[Place] = m.page(order=PlaceOrder)
    places: list[Place | None] = m.by_key()


model = m.Model("NAME", query=Query, types=[Place])
'''
COUNT = 200
TABLE = f"""create table places (code text primary key, name text not null);
    insert into places select 'p' || n, 'Place ' || n from generate_series(1, {COUNT}) n"""
DOCUMENT = "query Warm($ids: [ID!]!) { places(ids: $ids) { name } }"


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """The model under a name of its own, so that nothing of it is cached yet."""
    file = tmp_path / f"places_{uuid4().hex}.py"
    file.write_text(MODEL.replace("NAME", f"places_{uuid4().hex}"))
    return file


async def test_a_gateway_warms_itself_again_after_a_failure(
    new_database: NewDatabase,
    store_urls: StoreUrls,
    model_file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "document.graphql").write_text(DOCUMENT)
    async with new_database() as new:
        settings = Settings(
            database_url=new.database_url,
            redis_url=store_urls.redis_url,
            anonymous="all",
            warm_documents=str(tmp_path / "document.graphql"),
            warm_every_s=0.1,
            **REDIS_SETTINGS,
        )
        app = build_app(settings, load_model(str(model_file)))
        transport = httpx.ASGITransport(app)
        async with (
            asyncio.timeout(60),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client,
        ):
            with caplog.at_level(logging.WARNING, "gateway"):
                message = f"Not all could be warmed: {MISSING}"
                await asyncio.to_thread(wait_until, lambda: message in caplog.messages)
            async with new.stores.postgres.session() as session:
                await session.execute_script(TABLE)
            for never_asked in range(COUNT):
                body = {"query": DOCUMENT, "variables": {"ids": [f"p{never_asked + 1}"]}}
                answer = (await client.post("/graphql", json=body | {"extensions": {"accounting": True}})).json()
                if not answer["extensions"]["accounting"]["statements"]:
                    break
                await asyncio.sleep(0.1)
    assert answer["data"] == {"places": [{"name": f"Place {never_asked + 1}"}]}
    assert answer["extensions"]["accounting"]["statements"] == {}


async def test_a_command_whose_database_fails_ends_with_a_sentence(
    new_database: NewDatabase,
    store_urls: StoreUrls,
    model_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with new_database() as new:
        monkeypatch.setenv("DATABASE_URL", new.database_url)
        monkeypatch.setenv("REDIS_URL", store_urls.redis_url)
        status = await asyncio.to_thread(main, ["export", "place", "--model", str(model_file)])
    told = capsys.readouterr()
    assert (status, told.out) == (1, "")
    assert told.err.splitlines()[-1] == f"gateway: {MISSING}"
