"""Random schemas made for the executor: every kind of field, list and null, and resolvers that go wrong.

What a field answers depends on the parent, the field and its arguments alone, so that any engine may ask again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Any

import strawberry
from strawberry.extensions import ParserCache
from strawberry.extensions.field_extension import FieldExtension
from strawberry.permission import BasePermission

from loaders.stores.errors import StoreTimeout
from resolvers.batching import BATCH
from tests.execution.engines import STORE_ERROR, Context, QuietSchema
from tests.execution.positions import PYTHON, column, list_of
from tests.execution.values import EXACT, Boom, Colour, Later, exact_value, odd_value


@dataclass(frozen=True, slots=True)
class Shape:
    """A field's type: what it is of, and whether each level may be null, from the innermost to the outermost list."""

    of: str
    nullable: tuple[bool, ...]


class Thing:
    """The value of an object: its attributes are made when they are read."""

    _made: "_Maker"
    _seed: str
    _shapes: Mapping[str, Shape]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._shapes:
            raise AttributeError(name)
        return self._made.value(self._shapes[name], f"{self._seed}.{name}")


class Denied(BasePermission):
    """Lets nobody in."""

    message = "Denied."

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:  # noqa: ARG002 (Strawberry's signature)
        return False


class Shout(FieldExtension):
    """Replaces what the field answers."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Any, **kwargs: Any) -> Any:
        next_(source, info, **kwargs)
        return "replaced"


@dataclass(frozen=True, slots=True)
class Odds:
    """How often what happens, from 0 to 1."""

    odd: float
    """A value that no resolver should give."""
    plain: float
    """A field with a resolver and no batch, which is graphql-core's; also interfaces, unions and enums."""
    failed: float
    """A field that a store fails for all parents, and a value in whose place there is an error of a store."""

    @classmethod
    def draw(cls, rng: Random) -> "Odds":
        odd, plain = rng.choice([0, 0, 0.005, 0.02, 0.1]), rng.choice([0, 0, 0, 0.1, 0.2])
        return cls(odd, plain, rng.choice([0, 0, 0.05, 0.2]))


@dataclass(slots=True)
class _Maker:
    """Makes types from the leaves up, and their values."""

    rng: Random
    odds: Odds
    types: dict[str, Any] = field(default_factory=lambda: {"Colour": Colour})
    members: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, list[Shape]] = field(default_factory=dict)

    def value(self, shape: Shape, seed: str, least: int = 0) -> Any:
        rng = Random(seed)
        if rng.random() < self.odds.odd / 4:
            raise Boom(f"at {seed}")
        return self._level(shape, len(shape.nullable) - 1, rng, seed, least)

    def _level(self, shape: Shape, level: int, rng: Random, seed: str, least: int = 0) -> Any:
        if rng.random() < self.odds.odd:
            return odd_value(rng, shape.of)
        if not least and rng.random() < self.odds.failed / 5:
            return StoreTimeout("synthetic", STORE_ERROR)
        if not least and shape.nullable[level] and rng.random() < 0.15:
            return None
        if rng.random() < self.odds.odd * self.odds.plain:
            return Later(self._level(shape, level, rng, seed))
        if level:
            many = max(least, rng.choice([0, 1, 1, 2, 3]))
            return [self._level(shape, level - 1, rng, f"{seed}.{index}") for index in range(many)]
        return self._one(shape.of, rng, seed)

    def _one(self, of: str, rng: Random, seed: str) -> Any:
        if of in EXACT:
            return exact_value(rng, of)
        if of == "Colour":
            return rng.choice(list(Colour))
        if of in self.rows:
            short = rng.random() < self.odds.odd / 4
            row = [self._level(shape, len(shape.nullable) - 1, rng, seed) for shape in self.rows[of]]
            return tuple(row[: rng.randint(0, len(row))]) if short else tuple(row)
        declared = self.types[rng.choice(self.members.get(of, [of]))]
        thing: Thing = object.__new__(declared)
        thing._seed = seed
        return thing

    def shape(self, below: Sequence[str]) -> Shape:
        of = self.rng.choice([*EXACT, *below, *below, *below])
        if self.rng.random() < self.odds.plain / 2:
            of = "Colour"
        levels = self.rng.choice([1, 1, 1, 2, 2, 3]) if of in below else self.rng.choice([1, 1, 1, 1, 2, 3])
        return Shape(of, tuple(self.rng.random() < 0.5 for _ in range(levels)))

    def annotation(self, shape: Shape) -> Any:
        declared = PYTHON.get(shape.of) or self.types[shape.of]
        for level, nullable in enumerate(shape.nullable):
            declared = list_of(declared) if level else declared
            declared = declared | None if nullable else declared
        return declared

    def row(self, name: str) -> None:
        """A type whose values are tuples, with lists among their columns."""
        shapes = [self._column_shape() for _ in range(self.rng.randint(1, 5))]
        fields = {f"c{index}": column(f"c{index}", index, self.annotation(shape)) for index, shape in enumerate(shapes)}
        self.rows[name] = shapes
        if self.rng.random() < 0.3:
            link = Shape("Int", (True,))
            fields["link"] = _batched("link", int | None, lambda _row, _arguments: self.value(link, name))
        namespace = {"is_type_of": _is_row} if self.rng.random() < 0.3 else {}
        self.types[name] = strawberry.type(type(name, (), {**fields, **namespace, "__annotations__": {}}))

    def _column_shape(self) -> Shape:
        levels = self.rng.choice([1, 1, 1, 2])
        return Shape(self.rng.choice([*EXACT]), tuple(self.rng.random() < 0.5 for _ in range(levels)))

    def thing(self, name: str, below: Sequence[str], *bases: Any) -> None:
        """A type whose values have attributes, with resolvers among them."""
        shapes = {f"f{index}": self.shape(below) for index in range(self.rng.randint(2, 6))}
        fields = {key: self._field(key, shape) for key, shape in shapes.items()}
        inherited: Mapping[str, Shape] = getattr(bases[0], "_shapes", {}) if bases else {}
        check = self.rng.choice([None, None, None, "true", "odd"])
        namespace = {"is_type_of": self._check(name)} if check == "odd" else {}
        if check == "true":
            namespace = {"is_type_of": lambda value, _info: isinstance(value, Thing)}
        annotations = {key: self.annotation(shape) for key, shape in shapes.items()}
        body = {
            **fields,
            **namespace,
            "__annotations__": annotations,
            "_made": self,
            "_shapes": {**inherited, **shapes},
        }
        self.types[name] = strawberry.type(type(name, bases or (Thing,), body))

    def interface(self, name: str, below: Sequence[str]) -> Any:
        shapes = {f"i{index}": self.shape(below) for index in range(2)}
        fields = {key: strawberry.field() for key in shapes}
        annotations = {key: self.annotation(shape) for key, shape in shapes.items()}
        made = type(name, (Thing,), {**fields, "__annotations__": annotations, "_made": self, "_shapes": shapes})
        self.types[name] = strawberry.interface(made)
        return self.types[name]

    def union(self, name: str, members: Sequence[str]) -> None:
        union: Any = self.types[members[0]] | self.types[members[1]]
        self.types[name] = Annotated[union, strawberry.union(name)]
        self.members[name] = list(members)

    def _check(self, name: str) -> Callable[[Any, Any], Any]:
        def is_type_of(value: Any, _info: Any) -> Any:
            rng = Random(f"{name} {getattr(value, '_seed', type(value))}")
            if rng.random() < self.odds.odd:
                raise Boom(f"is_type_of of {name}")
            answers = [False, 0, 1, None, Later(True), Later(False)]
            return rng.choice(answers) if rng.random() < self.odds.odd * 2 else True

        return is_type_of

    def _field(self, name: str, shape: Shape) -> Any:
        answer = self.annotation(shape)
        if self.rng.random() < self.odds.plain:
            return self._plain(name, shape, answer)
        if self.rng.random() < 0.5:
            return strawberry.field()

        has_failed = self.rng.random() < self.odds.failed

        def value_of(parent: Any, arguments: Mapping[str, Any]) -> Any:
            if has_failed:
                raise StoreTimeout("synthetic", STORE_ERROR)
            received = f"{arguments.get('n')},{arguments.get('text') or None}"
            return self.value(shape, f"{parent._seed}.{name}({received})")

        return _batched(name, answer, value_of, self.odds.odd)

    def _plain(self, name: str, shape: Shape, answer: Any) -> Any:
        def resolve(root: Any) -> Any:
            return self.value(shape, f"{root._seed}.{name}")

        async def resolve_later(root: Any) -> Any:
            return self.value(shape, f"{root._seed}.{name}")

        kind = self.rng.choice(["plain", "async", "denied", "replaced"])
        if kind == "async":
            return strawberry.field(resolver=resolve_later, graphql_type=answer)
        permissions: list[type[BasePermission]] = [Denied] if kind == "denied" else []
        extensions: list[FieldExtension] = [Shout()] if kind == "replaced" else []

        def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
            return [resolve(parent) for parent in parents]

        return strawberry.field(
            resolver=resolve,
            graphql_type=answer,
            permission_classes=permissions,
            extensions=extensions,
            metadata={BATCH: batch} if kind in ("denied", "replaced") else {},
        )


def _is_row(value: Any, _info: Any) -> bool:
    return isinstance(value, tuple)


def _batched(name: str, answer: Any, item: Callable[[Any, Mapping[str, Any]], Any], odd: float = 0) -> Any:
    def batch(parents: Sequence[Any], arguments: Mapping[str, Any], _context: Any) -> Sequence[Any]:
        values = [item(parent, arguments) for parent in parents]
        wrong = len(parents) > 1 and Random(f"{name} {len(parents)} {values[:0]}").random() < odd / 2
        return values[:-1] if wrong else values

    def resolve(root: Any, n: int | None = 1, text: str | None = strawberry.UNSET) -> Any:
        return batch([root], {"n": n, "text": text or None}, None)[0]

    return strawberry.field(resolver=resolve, graphql_type=answer, metadata={BATCH: batch})


def random_schema(seed: object) -> strawberry.Schema:
    """A schema with types of its own."""
    rng = Random(repr(seed))
    maker = _Maker(rng, Odds.draw(rng))
    for name in ("R0", "R1", "R2"):
        maker.row(name)
    maker.thing("T4", ["R0", "R1"])
    face = maker.interface("Face", ["R2", "T4"])
    maker.thing("T3", ["R0", "R1", "T4"], face)
    maker.thing("T2", ["R0", "R2", "T3", "T4"], face)
    maker.members["Face"] = ["T2", "T3"]
    maker.union("Either", ["T3", "T4"])
    abstract = ["Face", "Either"] if maker.odds.plain else []
    maker.thing("T1", ["R0", "R1", "T2", "T3", *abstract])
    maker.thing("T0", ["R2", "T1", "T2", *abstract])
    # Documents that are kept parsed, as in the gateway: only then is anything of an operation remembered.
    return QuietSchema(query=_query(maker), types=[maker.types["T3"]], extensions=[lambda: ParserCache(maxsize=64)])


def _query(maker: _Maker) -> Any:
    body: dict[str, Any] = {"__annotations__": {}}
    for index, of in enumerate(["T0", "T0", "T1", "T2", "R0", "R1", "Face", "Either"]):
        levels = maker.rng.choice([1, 2, 2, 2, 3])
        shape = Shape(of, tuple(maker.rng.random() < 0.5 for _ in range(levels)))
        body[f"q{index}"] = _root(
            maker, f"q{index}", shape, later=index % 2 == 0, least=maker.rng.choice([1, 2, 3, 20])
        )
    return strawberry.type(type("Query", (), body))


def _root(maker: _Maker, name: str, shape: Shape, *, later: bool, least: int) -> Any:
    def resolve(info: strawberry.Info[Context, None]) -> Any:
        return maker.value(shape, f"{info.context.seed}.{name}", least)

    async def resolve_later(info: strawberry.Info[Context, None]) -> Any:
        return maker.value(shape, f"{info.context.seed}.{name}", least)

    return strawberry.field(resolver=resolve_later if later else resolve, graphql_type=maker.annotation(shape))
