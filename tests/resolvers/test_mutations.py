"""Mutations of a model: the author's own Strawberry class, whose references are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import strawberry

import fuseway as m
from loaders.deadline import Deadline, working_until
from loaders.model.compilation import compile_model
from loaders.model.key_spaces import KeySpace
from loaders.objects.object_loader import ObjectLoader
from loaders.statements.section_request import SectionRequest
from resolvers.request_context import RequestContext
from tests.resolvers.fake_objects import FakeLoaders, FakeObjects
from tests.resolvers.schemas import schema_of
from tests.resolvers.test_costs import estimated

db = m.Postgres()
tasks = db.table("public.tasks", scope="task:read")
A, B = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
DONE: list[str] = []


class Task(m.Object, table=tasks):
    """Something to do."""

    id: UUID = m.key()
    title: str
    after: Task | None = m.one("after_id")


class Query(m.Query):
    """Ways in."""

    task: Task | None = m.by_key()


@strawberry.type
class Mutation:
    """What may be changed."""

    @strawberry.mutation(description="Rename a task.")  # type: ignore[untyped-decorator]  # it answers a reference
    async def rename(self, id: strawberry.ID, title: str) -> Task | None:  # noqa: A002
        """Answer the task."""
        DONE.append(f"{id} {title}")
        return m.ref(Task, UUID(id))

    @strawberry.mutation
    def finish(self, ids: list[strawberry.ID]) -> list[Task | None]:
        """Answer the tasks."""
        return [m.ref(Task, UUID(each)) for each in ids]

    @strawberry.mutation
    async def wait(self) -> int | None:
        """Take long."""
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            DONE.append("cancelled")
            raise
        return 1

    @strawberry.mutation
    def count(self, by: int = 1) -> int:
        """Answer a number."""
        return len(DONE) + by


MODEL = compile_model(m.Model("tasks", query=Query, types=[Task], mutation=Mutation))
SCHEMA, TYPES = schema_of(MODEL)
TASKS = {A: {"id": A, "title": "a", "after": B}, B: {"id": B, "title": "b", "after": None}}


async def ask(query: str, scopes: frozenset[str] = TYPES.parts.field_scopes) -> tuple[Any, FakeObjects]:
    DONE.clear()
    objects = FakeObjects({"Task.record": lambda key, _: TASKS.get(key)})
    return await SCHEMA.execute(query, context_value=RequestContext(FakeLoaders(objects), scopes)), objects


async def test_a_mutation_is_stopped_at_the_deadline_and_what_was_done_before_it_is_answered() -> None:
    with working_until(Deadline.after(0.05)):
        async with asyncio.timeout(30):
            result, _ = await ask("mutation { before: count wait after: count }")
    assert result.data == {"before": 1, "wait": None, "after": 2}
    (error,) = result.errors
    assert (error.path, error.extensions) == (["wait"], {"code": "DEADLINE_EXCEEDED"})
    assert DONE == ["cancelled"]


async def test_references_of_mutations_are_loaded_with_what_is_selected() -> None:
    unknown = UUID(int=7)
    result, objects = await ask(
        f'mutation {{ rename(id: "{A}", title: "x") {{ id title after {{ title }} }} count(by: 5)'
        f' finish(ids: ["{B}", "{unknown}"]) {{ title }} }}'
    )
    assert not result.errors
    assert result.data == {
        "rename": {"id": A, "title": "a", "after": {"title": "b"}},
        "count": 6,
        "finish": [{"title": "b"}, None],
    }
    assert [DONE, [keys for _, keys, _ in objects.loads]] == [[f"{A} x"], [[A], [B], [B, str(unknown)]]]


class _Titles:
    """A table in which the title of a task is what the last mutation has made it."""

    async def load(
        self, _space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest]
    ) -> Mapping[SectionRequest, Sequence[Any]]:
        """Return the rows as they are now."""
        return {request: [(key, DONE[-1].split()[1], None) for key in keys] for request in requests}


async def test_each_mutation_of_a_request_answers_what_it_has_changed() -> None:
    DONE.clear()
    loaders = FakeLoaders(ObjectLoader(_Titles()), anew=lambda: ObjectLoader(_Titles()))
    context = RequestContext(loaders, TYPES.parts.field_scopes)
    first, second = (f'{name}: rename(id: "{A}", title: "{title}") {{ title }}' for name, title in ("ax", "by"))
    result: Any = await SCHEMA.execute(f"mutation {{ {first} {second} }}", context_value=context)
    assert not result.errors
    assert result.data == {"a": {"title": "x"}, "b": {"title": "y"}}


async def test_a_mutation_needs_the_scopes_of_what_it_answers_before_it_does_anything() -> None:
    result, objects = await ask(f'mutation {{ rename(id: "{A}", title: "x") {{ id }} }}', frozenset())
    assert result.data == {"rename": None}
    assert result.errors[0].extensions == {"code": "FORBIDDEN"}
    assert [DONE, objects.loads] == [[], []]


def test_the_authors_class_stays_as_it_is_and_the_schema_says_what_it_says() -> None:
    printed = SCHEMA.as_str()
    assert "rename(id: ID!, title: String!): Task" in printed
    assert "finish(ids: [ID!]!): [Task]" in printed
    assert '"""Rename a task."""' in printed
    assert schema_of(MODEL)[0].as_str() == printed


def test_what_is_selected_of_a_mutations_objects_has_its_price() -> None:
    query = f'mutation {{ rename(id: "{A}", title: "x") {{ id after {{ title }} }} count }}'
    estimate = estimated(SCHEMA._schema, TYPES, query)
    assert (estimate.statements, estimate.errors) == (2, [])
