"""Every scope closes what it should: without it a field that needs it is refused, and with it alone nothing else opens.

What a field needs is taken from the model's tables and columns; what is answered comes from the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fuseway.testing.cases import CheckedModel, cases
from fuseway.testing.compare import shown
from fuseway.testing.declared_scopes import QUERY, ScopedField, scoped_fields
from fuseway.testing.results import read_answer

if TYPE_CHECKING:
    from fuseway.testing.model_session import ModelSession

_IDS = 20
_FORBIDDEN = "FORBIDDEN"
_SHORTEST_SECRET = 6
"""Characters of a text that is looked for in an answer: a shorter one may stand there for other reasons."""


@dataclass(frozen=True, slots=True)
class ScopeCase:
    """A scope, and a field that needs it."""

    scope: str
    field: ScopedField

    def __str__(self) -> str:
        return f"{self.scope}-{self.field}"


def _closed(checked: CheckedModel) -> Iterator[ScopeCase]:
    fields = list(scoped_fields(checked))
    for scope in sorted(checked.model.scopes):
        others = checked.model.scopes - {scope}
        yield from (ScopeCase(scope, field) for field in fields if not field.is_open(others))


def _all(checked: CheckedModel) -> Iterator[ScopedField]:
    if checked.model.scopes:
        yield from (field for field in scoped_fields(checked) if field.label not in checked.open_fields)


@cases(_all)
def test_every_field_needs_a_scope(fuseway_session: ModelSession, case: ScopedField) -> None:
    """Each field needs a scope, and each table that it reads says one, unless `fuseway_open_fields` names the field."""
    known = frozenset(word for scope in case.parents for word in scope.split()) if case.unscoped else frozenset[str]()
    answer = _ask(fuseway_session, case, case.text, known)
    if answer.is_open:
        viewer = f"with {', '.join(sorted(known))} alone" if known else "without any scope"
        why = f", and {', '.join(case.unscoped)} says no scope" if case.unscoped else ""
        pytest.fail(
            f"{case} is answered to a viewer {viewer}{why}: {shown(answer.value)}\n"
            "  Say scope= of its table or column, or name the field in fuseway_open_fields of pytest's settings.",
            pytrace=False,
        )
    answer.skip_unless_told(case)


@cases(_closed)
def test_scope_closes_what_needs_it(fuseway_session: ModelSession, case: ScopeCase) -> None:
    """Without a scope, a field that needs it is refused, and nothing of its values is in the answer."""
    field, scopes = case.field, fuseway_session.model.scopes
    answer = _ask(fuseway_session, field, field.text, scopes - {case.scope})
    if answer.value is not None:
        pytest.fail(f"{field} is answered without the scope {case.scope}: {shown(answer.value)}", pytrace=False)
    if answer.is_open:
        pytest.fail(
            f"{field} is null without the scope {case.scope}, and no error says so: {answer.text}", pytrace=False
        )
    answer.skip_unless_told(field)
    right = _ask(fuseway_session, field, field.whole, scopes)
    text = _ask(fuseway_session, field, field.whole, scopes - {case.scope}).text
    told = sorted(secret for secret in _secrets(right.value) if json.dumps(secret, ensure_ascii=False) in text)
    if told:
        pytest.fail(f"{field}: {told[0]!r} is told without the scope {case.scope}: {text}", pytrace=False)


@cases(lambda checked: sorted(checked.model.scopes))
def test_scope_alone_opens_nothing_else(fuseway_session: ModelSession, case: str) -> None:
    """With one scope alone, those fields are answered that need no other one."""
    problems = []
    for field in scoped_fields(fuseway_session.checked):
        answer = _ask(fuseway_session, field, field.text, frozenset({case}))
        if answer.is_open and not field.is_open({case}):
            problems.append(f"  {field} is answered, and needs {field.requirements}: {shown(answer.value)}")
        if answer.is_refused and field.is_open({case}):
            problems.append(f"  {field} is refused, and needs {field.requirements}: {answer.text[:200]}")
    if problems:
        pytest.fail("\n".join([f"With the scope {case} alone:", *problems[:10]]), pytrace=False)


@dataclass(frozen=True, slots=True)
class ScopedAnswer:
    """The values of a field in an answer, and the whole answer's text."""

    values: list[Any]
    text: str

    @property
    def value(self) -> Any:
        """The first value that says something; None where none does."""
        return next((value for value in self.values if value is not None and value != []), None)

    @property
    def is_refused(self) -> bool:
        """Whether an error says so."""
        return _FORBIDDEN in self.text

    @property
    def is_open(self) -> bool:
        """Whether the field was answered. A null or an empty list without an error is an answer too."""
        return self.value is not None or (bool(self.values) and not self.is_refused)

    def skip_unless_told(self, field: ScopedField) -> None:
        """Skip the test where the answer has no object with the field, and no error."""
        if not self.values and not self.is_refused:
            pytest.skip(f"the database has nothing with {field} to ask for")


def _ask(session: ModelSession, field: ScopedField, text: str, scopes: frozenset[str]) -> ScopedAnswer:
    """Ask for a field of some objects."""
    query = f"{{ {text} }}"
    if field.type_name != QUERY:
        route = session.checked.routes.to(field.type_name)
        if route is None:
            raise TypeError(field.label)
        ids = session.ids(route.origin, _IDS) if route.origin else ()
        if route.origin and not ids:
            pytest.skip(f"the database has no {route.origin} to ask for")
        query = route.query(text, ids)
    response = session.unlimited.post({"query": query}, session.tenant, scopes)
    payload = response.json()
    answer = read_answer(payload, response.status)
    if any(error.code == "GRAPHQL_VALIDATION_FAILED" for error in answer.errors):
        pytest.fail(f"{field} cannot be asked for: {answer.errors[0]}\n  query: {query}", pytrace=False)
    result = ScopedAnswer(list(_values(payload.get("data"), field.name)), response.body.decode())
    if answer.errors and not result.values and not result.is_refused:
        pytest.fail(f"{field} is not answered: {answer.errors[0]}\n  query: {query}", pytrace=False)
    return result


def _values(value: Any, name: str) -> Iterator[Any]:
    """Yield the values of all members of this name, however deep."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, name)
    elif isinstance(value, dict):
        for member, inner in value.items():
            if member == name:
                yield inner
            else:
                yield from _values(inner, name)


def _secrets(value: Any) -> Iterator[str]:
    """Yield the texts in a value that are long enough to be looked for, but for names of types."""
    if isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name != "__typename":
                yield from _secrets(inner)
