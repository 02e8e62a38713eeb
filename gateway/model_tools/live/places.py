"""Where the parts of statements were declared: fields of sections and columns, and lines inside of SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gateway.model_tools.every_statement import Addition, PossibleStatement
from loaders.model.bound_sections import COUNT, RECORD, BoundSection
from loaders.model.class_reader import DeclaredField
from loaders.model.databases import Relation
from loaders.model.model import FieldsType, Model
from loaders.model.places import Place, place_of_class
from loaders.model.references import Fragment
from loaders.model.section_binding import ROOT
from loaders.model.shapes import ValueKind

_MAX_FILES = 64


@dataclass(frozen=True, slots=True)
class Subject:
    """A part of a model: where it was declared, and its name in messages."""

    place: Place
    name: str


class ModelPlaces:
    """The places of a model's parts."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def of_section(self, section: BoundSection) -> Subject:
        """Return the field that a section answers; of a record, the class of its objects."""
        field = self._field(section)
        if field is not None:
            return Subject(field.place, field.subject)
        owner = section.name.partition(".")[0]
        if owner in self._model.objects:
            cls = self._model.objects[owner].fields[0].owner
            return Subject(place_of_class(cls), owner)
        table = section.tables[0]
        return Subject(table.place, table.name)

    def of_column(self, section: BoundSection, column: str) -> Subject:
        """Return the field that a column of a section answers."""
        declared = next((field for field in self._columns(section) if field.name == column), None)
        return self.of_section(section) if declared is None else Subject(declared.place, declared.subject)

    def of_condition(self, section: BoundSection) -> Subject:
        """Return the class of a section, whose `where=` it is."""
        fields = self._columns(section)
        if not fields:
            return self.of_section(section)
        return Subject(place_of_class(fields[0].owner), fields[0].owner.__name__)

    def of_statement(self, statement: PossibleStatement) -> Subject:
        """Return what a statement has beyond its section: a field of a filter or an order; else the section."""
        field = self._field(statement.section)
        if field is not None and statement.addition in (Addition.FILTER, Addition.ORDER):
            word, types = (
                ("filter", self._model.filters)
                if statement.addition is Addition.FILTER
                else (
                    "order",
                    self._model.orders,
                )
            )
            declared: FieldsType | None = types.get(getattr(field.option(word), "__name__", ""))
            for member in declared.fields if declared is not None else ():
                if member.name == statement.name:
                    return Subject(member.place, member.subject)
        return self.of_section(statement.section)

    def _field(self, section: BoundSection) -> DeclaredField | None:
        owner, _, path = section.name.partition(".")
        path = path.removesuffix(f".{COUNT}")
        if owner == ROOT:
            return next((root for root in self._model.roots if root.name == path), None)
        if owner not in self._model.objects or path == RECORD:
            return None
        outer, _, inner = path.partition(".")
        field = next((each for each in self._model.objects[owner].fields if each.name == outer), None)
        if field is None or not inner or field.shape is None:
            return field
        group = self._model.groups[field.shape.type.__name__]
        return next((each for each in group.fields if each.name == inner), None)

    def _columns(self, section: BoundSection) -> tuple[DeclaredField, ...]:
        """Return the fields that the columns of a section are of."""
        field = self._field(section)
        if section.target:
            return self._model.objects[section.target].fields
        if field is None:
            owner = section.name.partition(".")[0]
            return self._model.objects[owner].fields if owner in self._model.objects else ()
        if field.shape is not None and field.shape.kind is ValueKind.SECTION:
            return self._model.sections[field.shape.type.__name__].fields
        return ()


def place_in(subject: Subject, fragment: Fragment, part: int, offset: int) -> Place:
    """Return the line of a character of a part of SQL, whose text begins in the call at the subject's line."""
    before = [each for each in fragment.parts[:part] if isinstance(each, str)]
    text = fragment.parts[part]
    lines = sum(each.count("\n") for each in before) + (text.count("\n", 0, offset) if isinstance(text, str) else 0)
    place = subject.place
    return Place(place.file, _first_line(place, fragment) + lines) if place.line else place


def relations_in(relation: Relation) -> Iterator[Relation]:
    """Yield a relation and those that its SQL reads, each once."""
    waiting, seen = [relation], set[Relation]()
    while waiting:
        each = waiting.pop(0)
        if each not in seen:
            seen.add(each)
            yield each
            waiting += [part for part in each.fragment.references() if isinstance(part, Relation)]


def _first_line(place: Place, fragment: Fragment) -> int:
    """Return the line that a text of SQL begins on: the nearest string, from the place on, that holds all its parts."""
    wanted = [part.strip() for part in fragment.parts if isinstance(part, str) and part.strip()]
    for line, pieces in _strings(place.file):
        if line >= place.line and all(any(text in piece for piece in pieces) for text in wanted):
            return line
    return place.line


@lru_cache(maxsize=_MAX_FILES)
def _strings(file: str) -> list[tuple[int, tuple[str, ...]]]:
    """Return the strings of a file by their lines, f-strings as the texts between their values."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    strings = []
    for node in ast.walk(tree):
        values = node.values if isinstance(node, ast.JoinedStr) else [node] if isinstance(node, ast.Constant) else []
        texts = [each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if texts:
            strings.append((node.lineno, tuple(texts)))  # type: ignore[attr-defined]
    return sorted(strings)
