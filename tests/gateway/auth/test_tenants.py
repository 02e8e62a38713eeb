"""The tenant of a viewer: from a token's claim or a key's record, and never guessed."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from starlette.datastructures import Headers

from gateway.auth.api_keys import KeyVerifier
from gateway.auth.authentication import Authenticator, Policy
from gateway.auth.errors import AuthenticationError
from gateway.auth.model_access import ModelAccess
from gateway.auth.viewer import Viewer, anonymous
from gateway.setting import SettingsError
from gateway.stores import Stores
from loaders.api_keys import ApiKeys
from loaders.model.shapes import scalar_of
from loaders.statements.parameters import TenantScope
from tests.fleet.served import FLEET_ACCESS
from tests.gateway.auth.conftest import added
from tests.gateway.auth.issuing import SECRET, signed, token_settings
from tests.models import loaded_model

MODEL = loaded_model("deploy.analytics.model")
ACCESS = ModelAccess.of(MODEL)
TENANT = "00000000-0000-0000-0000-00000000000a"
NUMBERED = ModelAccess("shop", frozenset(), "account", scalar_of(int))


def authenticator(**settings: Any) -> Authenticator:
    """One of the analytics model without stores."""
    policy = Policy.of(token_settings(jwt_secret=SECRET, **settings), MODEL)
    return Authenticator(policy, Stores({}, SimpleNamespace(), MODEL))  # type: ignore[arg-type]


async def viewer_with(text: str) -> Viewer:
    return await authenticator().viewer(Headers({"authorization": f"Bearer {text}"}).raw)


def test_scopes_are_those_of_the_model_and_the_gateways_own() -> None:
    assert ACCESS.scopes == {
        *("workspace:read", "member:read", "project:read", "billing:read", "analysis:read", "pii:read"),
        *("export", "explain", "status"),
    }
    assert ACCESS.known(["pii:read", "register:read", "export"]) == {"pii:read", "export"}


@pytest.mark.parametrize(
    ("access", "value", "tenant"),
    [
        (ACCESS, TENANT, TENANT),
        (ACCESS, TENANT.upper(), TENANT),
        (NUMBERED, "42", "42"),
        (NUMBERED, 42, "42"),
        (NUMBERED, "042", None),
        (NUMBERED, True, None),
        (NUMBERED, 2**40, None),
        (NUMBERED, 4.0, None),
        (ACCESS, "", None),
        (ACCESS, "a", None),
        (ACCESS, 10, None),
        (ACCESS, None, None),
        (ACCESS, [TENANT], None),
        (ACCESS, {"id": TENANT}, None),
        (FLEET_ACCESS, TENANT, None),
    ],
)
def test_a_tenant_is_the_text_of_its_key(access: ModelAccess, value: object, tenant: str | None) -> None:
    assert access.tenant(value) == tenant


async def test_a_tokens_claim_names_the_tenant() -> None:
    viewer = await viewer_with(signed(SECRET, "HS256", workspace=TENANT.upper(), scope="member:read other"))
    assert (viewer.tenant, viewer.scopes) == (TENANT, frozenset({"member:read"}))


@pytest.mark.parametrize("claims", [{}, {"workspace": "acme"}, {"workspace": 10}, {"tenant": TENANT}])
async def test_a_token_without_a_readable_claim_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError) as raised:
        await viewer_with(signed(SECRET, "HS256", scope="member:read", **claims))
    assert (raised.value.status, raised.value.code) == (403, "FORBIDDEN")
    assert str(raised.value) == (
        "Every request belongs to a tenant: send a token with the claim 'workspace' (UUID), or an API key that was"
        " made for a tenant."
    )


async def test_who_sends_no_credential_is_refused_unless_a_tenant_is_set_for_them() -> None:
    without = authenticator(anonymous="all")
    assert without.anonymous_viewer([]) is None
    with pytest.raises(AuthenticationError) as raised:
        await without.viewer([])
    assert raised.value.status == 403
    viewer = authenticator(anonymous="all", anonymous_tenant=TENANT).anonymous_viewer([])
    assert viewer is not None
    assert (viewer.tenant, viewer.scopes) == (TENANT, ACCESS.scopes)


@pytest.mark.parametrize(
    ("access", "tenant", "sentence"),
    [
        (ACCESS, "acme", "GATEWAY_ANONYMOUS_TENANT must be the key of a tenant (UUID), and is 'acme'."),
        (FLEET_ACCESS, "acme", "GATEWAY_ANONYMOUS_TENANT has no use: the model fleet has no tenants."),
    ],
)
def test_a_tenant_of_nobody_that_cannot_be_ends_the_start(access: ModelAccess, tenant: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        anonymous("all", access, tenant)
    assert str(raised.value) == sentence


async def test_a_key_is_for_one_tenant_of_one_model(keys: ApiKeys) -> None:
    verifier = KeyVerifier(keys, 5, access=ACCESS)
    text = await added(keys, ["member:read", "export"], model="analytics", tenant=TENANT)
    viewer = await verifier.viewer(text)
    assert (viewer.tenant, viewer.scopes) == (TENANT, frozenset({"member:read", "export"}))
    for verifier in (KeyVerifier(keys, 5, access=FLEET_ACCESS), KeyVerifier(keys, 5, access=NUMBERED)):
        with pytest.raises(AuthenticationError, match=r"The API key is not known\."):
            await verifier.viewer(text)
    unreadable = await added(keys, model="analytics", tenant="acme")
    assert (await KeyVerifier(keys, 5, access=ACCESS).viewer(unreadable)).tenant is None


def test_viewers_of_two_tenants_share_no_answer_and_no_budget() -> None:
    item, other = (Viewer("jwt:issuer:ada", frozenset(), tenant=str(UUID(int=number))) for number in (1, 2))
    assert item.audience != other.audience
    assert item.budget_name != other.budget_name
    assert item.audience == Viewer("key:a", frozenset(), tenant=item.tenant).audience
    spaced = Viewer("x", frozenset({"a"}), tenant="b"), Viewer("x", frozenset({"a", "b"}))
    assert spaced[0].audience != spaced[1].audience


def test_statements_see_the_rows_of_the_viewers_tenant_alone() -> None:
    scalar, number = ACCESS.scalar, NUMBERED.scalar
    assert scalar is not None
    assert number is not None
    assert ACCESS.tenant_scope(TENANT) == TenantScope(scalar, TENANT)
    assert FLEET_ACCESS.tenant_scope(None) is None
    for tenant in (None, "acme"):
        with pytest.raises(TypeError, match="loads nothing without one"):
            ACCESS.tenant_scope(tenant)
    assert NUMBERED.tenant_scope("7") == TenantScope(number, 7)
    assert ModelAccess("shop", frozenset(), "day", scalar_of(dt.date)).tenant("2026-02-30") is None
