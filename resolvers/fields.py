"""Fields of types: how each is resolved, and what it asks of an object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from loaders.errors import GatewayError
from loaders.model.class_reader import DeclaredField
from loaders.model.shapes import Shape
from resolvers.batching import BATCH, FEW_OBJECTS, Batch, ColumnField
from resolvers.scopes import RequiresScope

ASKED = "asked"
"""The key of a field's metadata that says what the field asks of an object: one of the classes below."""


@dataclass(frozen=True, slots=True)
class FieldColumns:
    """Columns of the row that the field's parent is, or of the parent's own record where it is an object."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldLink:
    """A link to the object whose key is held by a column of the parent's row."""

    column: str


@dataclass(frozen=True, slots=True)
class FieldSection:
    """A bound section of the object, by the last part of its name: a section, a list, a page or a computed link."""

    name: str
    is_link: bool = False
    """Whether the section's only column is a link, which the field answers."""


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Sections of the object that lie below a name of their own."""

    name: str


@dataclass(frozen=True, slots=True)
class FieldFunction:
    """The answers of a function of the model for all objects at once, by the name of the field, as `Customer.near`."""

    name: str
    shape: Shape


FieldSource = FieldColumns | FieldLink | FieldSection | FieldGroup | FieldFunction


class BatchField(StrawberryField):
    """A field that a batch function resolves, for one parent or for many."""

    @property
    def is_basic_field(self) -> bool:
        """Whether Strawberry may leave out the context and the arguments."""
        return False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:  # noqa: ARG002 (Strawberry's signature)
        """Return the one value that the batch function answers for one parent."""
        batch: Batch = self.metadata[BATCH]
        return batch([source], kwargs, info.context)[0]


Resolve = Callable[[Any, Mapping[str, Any]], Awaitable[Any]]
"""(info, coerced arguments by GraphQL name) to the value of a root field."""


class AsyncField(StrawberryField):
    """A root field, which loads what its selection asks."""

    resolve: Resolve

    @property
    def is_basic_field(self) -> bool:
        """Whether Strawberry may leave out the context and the arguments."""
        return False

    @property
    def is_async(self) -> bool:
        """Whether the result is awaited."""
        return True

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:  # noqa: ARG002 (Strawberry's signature)
        """Return an awaitable of the value."""
        return self.resolve(info, kwargs)


@dataclass(frozen=True, slots=True)
class FieldText:
    """The name and the texts of a field in the schema; the texts may be empty."""

    name: str
    description: str = ""
    deprecated: str = ""

    @classmethod
    def of(cls, field: DeclaredField, description: str = "") -> FieldText:
        """Return the texts of a declared field; `description` stands where its author gave none."""
        return cls(field.graphql_name, field.description or description, field.option("deprecated") or "")


def batch_field(
    text: FieldText,
    declared: Any,
    batch: Batch,
    *,
    asked: FieldSource | None = None,
    arguments: Sequence[StrawberryArgument] = (),
    scopes: Iterable[str] = (),
) -> StrawberryField:
    """Return a field of this type that a batch function resolves."""
    metadata = {BATCH: batch, ASKED: asked, FEW_OBJECTS: _leads_to_few(asked)}
    field: StrawberryField = _field(BatchField, text, declared, metadata, scopes)
    field.arguments = _checked(text.name, arguments)
    return field


def _leads_to_few(asked: FieldSource | None) -> bool:
    return isinstance(asked, FieldLink) or (isinstance(asked, FieldSection) and asked.is_link)


def column_field(text: FieldText, declared: Any, place: int, *, asked: FieldSource | None = None) -> StrawberryField:
    """Return a field that is read from its place in the parent's row."""
    field: ColumnField = _field(ColumnField, text, declared, {ASKED: asked}, ())
    field.place = place
    return field


def async_field(
    text: FieldText,
    declared: Any,
    resolve: Resolve,
    *,
    arguments: Sequence[StrawberryArgument] = (),
    scopes: Iterable[str] = (),
) -> StrawberryField:
    """Return a root field."""
    field: AsyncField = _field(AsyncField, text, declared, {}, scopes)
    field.arguments = _checked(text.name, arguments)
    field.resolve = resolve
    return field


def input_field(text: FieldText, declared: Any, default: Any = strawberry.UNSET) -> StrawberryField:
    """Return a field of an input type."""
    return StrawberryField(
        python_name=f"field_{text.name}",
        graphql_name=text.name,
        type_annotation=StrawberryAnnotation(declared),
        description=text.description or None,
        deprecation_reason=text.deprecated or None,
        default=default,
    )


def argument(
    name: str, declared: Any, description: str, default: Any = strawberry.UNSET, deprecated: str = ""
) -> StrawberryArgument:
    """Return an argument; without a default it may be left out where its type is nullable."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(declared),
        description=description or None,
        default=default,
        deprecation_reason=deprecated or None,
    )


_STRAWBERRYS_OWN = frozenset({"info", "source", "self", "next_", "_source"})
"""Names of parameters that Strawberry calls resolvers with, beside the arguments."""


class ArgumentNameError(GatewayError):
    """An argument whose name cannot be used."""


def _checked(field: str, arguments: Sequence[StrawberryArgument]) -> list[StrawberryArgument]:
    """Return the arguments of a field. Raises ArgumentNameError for names that are taken."""
    names = [each.python_name for each in arguments]
    for name in names:
        if name in _STRAWBERRYS_OWN:
            raise ArgumentNameError(f"{field}: no argument can be called {name}: give it another name.")
        if names.count(name) > 1:
            raise ArgumentNameError(
                f"{field}: two arguments are called {name}, one of them the gateway's own: rename yours."
            )
    return list(arguments)


def strictest(scopes: Iterable[str]) -> list[str]:
    """Return the required scopes, sorted, without those that another one implies: `a` implies `a b` (either)."""
    needs = {scope: frozenset(scope.split()) for scope in sorted(scopes)}
    return [scope for scope, each in needs.items() if not any(other < each for other in needs.values())]


def _field(kind: type[Any], text: FieldText, declared: Any, metadata: Mapping[str, Any], scopes: Iterable[str]) -> Any:
    """Return a field. A scope of several words, with spaces between, is met by any of them."""
    needed = strictest(scopes)
    return kind(
        python_name=f"field_{text.name}",  # whatever the model calls it, it is no attribute of Strawberry's classes
        graphql_name=text.name,
        type_annotation=StrawberryAnnotation(declared),
        description=text.description or None,
        deprecation_reason=text.deprecated or None,
        metadata=dict(metadata),
        extensions=[RequiresScope(*scope.split()) for scope in needed],
    )
