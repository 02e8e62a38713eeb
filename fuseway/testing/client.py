"""The client that a team's tests ask: queries as a tenant with scopes, plans, and control of the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fuseway.testing.results import Answer, Plan, read_answer

if TYPE_CHECKING:
    from fuseway.testing.model_session import ModelSession

_EVERYTHING = {"accounting": True}


class Gateway:
    """A gateway that serves the model from this process, over real databases.

    What it caches stays between tests of one run: a test that counts statements begins with `cold`, or asks for a
    plan, which is always that of an empty cache.
    """

    def __init__(self, session: ModelSession) -> None:
        self._session = session

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes that the model names."""
        return self._session.model.scopes

    @property
    def tenant(self) -> str | None:
        """The tenant that is asked for where none is named; None for a model without tenants."""
        return self._session.tenant

    def query(
        self,
        document: str,
        variables: Mapping[str, object] | None = None,
        *,
        tenant: object = None,
        scopes: Collection[str] | None = None,
        operation: str | None = None,
        allow_errors: bool = False,
    ) -> Answer:
        """Return the answer to a document.

        The viewer has all scopes of the model, or `scopes`. Raises AnswerError for an answer with errors, which lists
        them with their paths, unless `allow_errors` says that it may have some.
        """
        __tracebackhide__ = True
        answer = self._ask(self._session.cached.post, document, variables, tenant, scopes, operation)
        return answer if allow_errors else answer.require_no_errors()

    def plan(
        self,
        document: str,
        variables: Mapping[str, object] | None = None,
        *,
        tenant: object = None,
        scopes: Collection[str] | None = None,
        operation: str | None = None,
    ) -> Plan:
        """Return the statements that a document takes where nothing is cached.

        They are those that it was answered with just now, without a cache. Raises AnswerError like `query`.
        """
        __tracebackhide__ = True
        sent = self._session.sent
        sent.clear()
        answer = self._ask(self._session.recorded.post, document, variables, tenant, scopes, operation)
        return Plan(tuple(sent), answer.require_no_errors())

    def cold(self) -> None:
        """Drop all that is cached of the model: the next answers are loaded from the databases."""
        self._session.cached.settle()
        self._session.cached.invalidate_everything()

    def settle(self) -> None:
        """Wait until what was loaded is cached, and what was stale is refreshed."""
        self._session.cached.settle()

    @contextmanager
    def stale(self) -> Iterator[None]:
        """Make all that is cached within the block stale at once: it is served, and refreshed behind the answer."""
        with self._session.stale(self._session.cached):
            yield

    def _ask(
        self,
        post: Any,
        document: str,
        variables: Mapping[str, object] | None,
        tenant: object,
        scopes: Collection[str] | None,
        operation: str | None,
    ) -> Answer:
        payload = {
            "query": document,
            "variables": dict(variables or {}),
            "operationName": operation,
            "extensions": _EVERYTHING,
        }
        viewer_tenant = self._session.tenant if tenant is None else str(tenant)
        response = post(payload, viewer_tenant, self.scopes if scopes is None else scopes)
        return read_answer(response.json(), response.status)
