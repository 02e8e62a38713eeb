"""API keys: which are good, how often they are looked up, and when a change of them counts."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.auth.api_keys import KeyVerifier, hash_of, new_key, text_of
from gateway.auth.errors import AuthenticationError, KeysUnavailable, Unauthenticated
from gateway.auth.viewer import Viewer, ViewerLimits
from loaders.api_keys import ApiKeys, change_of
from loaders.cache.invalidation import EVERYTHING, Change
from loaders.request_tracker import begin_request
from loaders.stores.errors import StatementFailed
from loaders.stores.protocols import RelationalStore, Row
from resolvers.scopes import Scope
from tests.conftest import NewStores
from tests.fleet.served import FLEET_ACCESS, REGISTER
from tests.gateway.auth.conftest import Watched, added, id_of


async def _refused(verifier: KeyVerifier, text: str) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as raised:
        await verifier.viewer(text)
    error = raised.value
    assert text[20:] == "" or text[20:] not in f"{error} {error.headers} {error.__cause__} {error.__context__}"
    return error


async def test_a_key_says_who_asks_and_what_they_may(keys: ApiKeys) -> None:
    text = await added(keys, ["export", "register:read", "nothing:known"], ids_per_field=7, cost_per_minute=9)
    viewer = await KeyVerifier(keys, 5, access=FLEET_ACCESS).viewer(text)
    assert viewer == Viewer(f"key:{id_of(text)}", frozenset({Scope.EXPORT, REGISTER}), ViewerLimits(7, 9))
    assert viewer.scope_key == "export register:read"


def test_a_new_key_is_of_the_form_and_another_each_time() -> None:
    made = [new_key() for _ in range(50)]
    assert len({key_id for key_id, _ in made}) == len({secret for _, secret in made}) == 50
    assert {(len(key_id), len(secret)) for key_id, secret in made} == {(12, 43)}


async def test_the_secret_is_not_in_the_store(keys: ApiKeys, key_stores: NewStores) -> None:
    text = await added(keys)
    (row,) = await key_stores.stores.postgres.rows(
        "select api_keys::text as all_of_it, hash from gateway_internal.api_keys where id = $1", id_of(text)
    )
    assert text[17:] not in row["all_of_it"]
    assert row["hash"] == hash_of(text[17:])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "E"),
        lambda text: text_of(new_key()[0], text[17:]),
        lambda text: text_of(text[4:16], new_key()[1]),
    ],
    ids=["another last character", "unknown id", "another secret"],
)
async def test_a_key_that_is_not_the_one_is_not_known(keys: ApiKeys, change: Any) -> None:
    verifier = KeyVerifier(keys, 300, access=FLEET_ACCESS)
    text = await added(keys)
    for _ in range(2):  # before the good one is remembered, and after
        error = await _refused(verifier, change(text))
        assert (error.status, str(error)) == (401, "The API key is not known.")
        await verifier.viewer(text)


@pytest.mark.parametrize(
    "text",
    [
        "fgk_", "fgk_a_b", "fgk_" + "a" * 12 + "_", "fgk_" + "a" * 12 + "_" + "b" * 44, "fgk_" + "A" * 12 + "_" + "b" * 43,
        "fgk_" + "a" * 11 + "\0_" + "b" * 43, "fgk_" + "a" * 12 + "_" + "b" * 42 + "\n", "fgk_" + "a" * 12 + "_" + "é" * 43,
        "fgk_" + "a" * 12 + "_" + "b" * 43 + "\n", "fgk_" + "1" * 12 + "_" + "b" * 43, "\ud800",
    ],
)  # fmt: skip
async def test_what_has_not_a_keys_form_is_refused_without_a_look(watched: Watched, text: str) -> None:
    error = await _refused(KeyVerifier(ApiKeys(watched), 5, access=FLEET_ACCESS), text)
    assert (error.status, error.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert watched.looked_up == []


async def test_a_key_expires_even_while_it_is_remembered(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 300, access=FLEET_ACCESS)
    past = await added(keys, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    soon = await added(keys, expires_at=datetime.now(UTC) + timedelta(seconds=0.3))
    assert str(await _refused(verifier, past)) == "The API key has expired."
    await verifier.viewer(soon)
    await asyncio.sleep(0.31)
    assert str(await _refused(verifier, soon)) == "The API key has expired."
    assert watched.looked_up.count([id_of(soon)]) == 1


async def test_a_revoked_key_stays_refused_and_is_revoked_once(keys: ApiKeys) -> None:
    text = await added(keys)
    assert await keys.revoke(id_of(text))
    (first,) = (await keys.by_id([id_of(text)])).values()
    assert await keys.revoke(id_of(text))
    (again,) = (await keys.by_id([id_of(text)])).values()
    assert first.revoked_at == again.revoked_at is not None
    assert str(await _refused(KeyVerifier(keys, 5, access=FLEET_ACCESS), text)) == "The API key has been revoked."


async def test_an_unknown_key_cannot_be_revoked(keys: ApiKeys) -> None:
    assert not await keys.revoke("aaaaaaaaaaaa")


@pytest.mark.parametrize(
    ("key_id", "secret_hash", "ids_per_field"),
    [("short", bytes(32), None), ("a" * 12, b"secret", None), ("b" * 12, bytes(32), 0)],
)
async def test_the_store_refuses_what_is_no_key(
    keys: ApiKeys, key_id: str, secret_hash: bytes, ids_per_field: int | None
) -> None:
    with pytest.raises(StatementFailed):
        await keys.add(key_id, "test", secret_hash, [], ids_per_field=ids_per_field, model="fleet")


async def test_a_good_key_is_looked_up_once_in_its_time(keys: ApiKeys, watched: Watched) -> None:
    text = await added(keys)
    verifier = KeyVerifier(ApiKeys(watched), 0.2, access=FLEET_ACCESS)
    for _ in range(20):
        await verifier.viewer(text)
    assert watched.looked_up == [[id_of(text)]]
    await asyncio.sleep(0.21)
    await keys.revoke(id_of(text))  # as where nobody tells
    assert str(await _refused(verifier, text)) == "The API key has been revoked."


async def test_keys_that_are_asked_for_at_once_share_statements(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 5, access=FLEET_ACCESS)
    text = await added(keys)
    made_up = [text_of(*new_key()) for _ in range(200)]
    answers = await asyncio.gather(*map(verifier.viewer, [*made_up, text, text]), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unauthenticated] * 200 + [Viewer] * 2
    assert [len(ids) for ids in watched.looked_up] == [201]


async def test_a_look_up_is_counted_for_no_request(keys: ApiKeys) -> None:
    text = await added(keys)
    tracker = begin_request()
    await KeyVerifier(keys, 5, access=FLEET_ACCESS).viewer(text)
    assert not tracker.stats.statements


async def test_a_change_that_names_a_key_has_it_looked_up_again(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 300, access=FLEET_ACCESS)
    item, other = await added(keys), await added(keys)
    await verifier.viewer(item)
    await verifier.viewer(other)
    await keys.revoke(id_of(item))
    verifier.apply(Change(keys=("N14228", "api-key:other"), sources=("flights",)))
    await verifier.viewer(item)
    verifier.apply(change_of(id_of(item)))
    assert str(await _refused(verifier, item)) == "The API key has been revoked."
    await verifier.viewer(other)
    assert watched.looked_up == [[id_of(item)], [id_of(other)], [id_of(item)]]


async def test_where_changes_may_have_been_missed_all_are_looked_up_again(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 300, access=FLEET_ACCESS)
    text = await added(keys)
    await verifier.viewer(text)
    await keys.revoke(id_of(text))
    verifier.apply(Change(sources=(EVERYTHING,)))
    assert str(await _refused(verifier, text)) == "The API key has been revoked."


class _Slow:
    """Reads at once, and answers when it is let go on."""

    def __init__(self, store: RelationalStore) -> None:
        self._store = store
        self.has_read = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        rows = await self._store.rows(sql, *arguments)
        self.has_read.set()
        await self.goes_on.wait()
        return rows


async def test_what_was_read_before_a_revocation_answers_nobody_who_asks_after_it(keys: ApiKeys) -> None:
    slow = _Slow(keys._postgres)
    verifier = KeyVerifier(ApiKeys(slow), 300, access=FLEET_ACCESS)
    text = await added(keys)
    before = asyncio.create_task(verifier.viewer(text))
    await slow.has_read.wait()
    await keys.revoke(id_of(text))
    verifier.apply(change_of(id_of(text)))
    after = asyncio.create_task(_refused(verifier, text))
    slow.goes_on.set()
    assert (await before).name == f"key:{id_of(text)}"
    assert str(await after) == "The API key has been revoked."


async def test_what_was_read_before_a_revocation_is_not_remembered(keys: ApiKeys) -> None:
    slow = _Slow(keys._postgres)
    verifier = KeyVerifier(ApiKeys(slow), 300, access=FLEET_ACCESS)
    text = await added(keys)
    before = asyncio.create_task(verifier.viewer(text))
    await slow.has_read.wait()
    await keys.revoke(id_of(text))
    verifier.apply(change_of(id_of(text)))
    slow.goes_on.set()
    await before
    assert str(await _refused(verifier, text)) == "The API key has been revoked."


async def test_without_postgresql_a_good_key_goes_on_and_another_cannot_be_told(
    keys: ApiKeys, watched: Watched
) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 0, access=FLEET_ACCESS)
    text, other = await added(keys), await added(keys)
    viewer = await verifier.viewer(text)
    watched.is_away = True
    assert await verifier.viewer(text) == viewer
    error = await _refused(verifier, other)
    assert isinstance(error, KeysUnavailable)
    assert (error.status, error.headers["Retry-After"]) == (503, "1")
    assert "db.internal" not in str(error)
    watched.is_away = False
    assert (await verifier.viewer(other)).name == f"key:{id_of(other)}"


async def test_without_postgresql_a_key_is_looked_for_now_and_then_alone(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 0, access=FLEET_ACCESS)
    text = await added(keys)
    await verifier.viewer(text)
    watched.is_away = True
    watched.looked_up.clear()
    for _ in range(20):
        await verifier.viewer(text)
    assert len(watched.looked_up) == 1


async def test_a_look_up_that_hangs_is_like_postgresql_away(keys: ApiKeys) -> None:
    slow = _Slow(keys._postgres)
    slow.goes_on.set()
    verifier = KeyVerifier(ApiKeys(slow), 0, look_up_s=0.5, access=FLEET_ACCESS)
    text, other = await added(keys), await added(keys)
    await verifier.viewer(text)
    slow.goes_on.clear()
    unknown = asyncio.create_task(_refused(verifier, other))
    assert (await verifier.viewer(text)).name == f"key:{id_of(text)}"
    assert isinstance(await unknown, KeysUnavailable)
    slow.goes_on.set()
    assert (await verifier.viewer(other)).name == f"key:{id_of(other)}"


async def test_without_postgresql_a_key_goes_on_no_longer_than_its_grace(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 0, grace_s=0.2, access=FLEET_ACCESS)
    text = await added(keys)
    await verifier.viewer(text)
    watched.is_away = True
    await verifier.viewer(text)
    await asyncio.sleep(0.21)
    assert isinstance(await _refused(verifier, text), KeysUnavailable)


async def test_without_postgresql_a_revocation_that_was_heard_of_counts(keys: ApiKeys, watched: Watched) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 0, access=FLEET_ACCESS)
    text = await added(keys)
    await verifier.viewer(text)
    await keys.revoke(id_of(text))
    watched.is_away = True
    verifier.apply(change_of(id_of(text)))
    assert isinstance(await _refused(verifier, text), KeysUnavailable)


async def test_a_key_that_was_found_revoked_is_not_good_again_without_postgresql(
    keys: ApiKeys, watched: Watched
) -> None:
    verifier = KeyVerifier(ApiKeys(watched), 0, access=FLEET_ACCESS)
    text = await added(keys)
    await verifier.viewer(text)
    await keys.revoke(id_of(text))
    assert str(await _refused(verifier, text)) == "The API key has been revoked."
    watched.is_away = True
    assert (await _refused(verifier, text)).status == 401
