"""Orders that are written as texts: columns or fields, a direction behind each, and commas between."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from loaders.model.arguments import Pick
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Order
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import columns_in
from loaders.model.order_terms import order_parts, written_terms
from loaders.model.problems import Problems, misspelled, suggestion
from loaders.model.references import Fragment
from loaders.model.shapes import Cardinality, ValueKind
from loaders.model.sql_functions import names_in
from loaders.model.sql_words import REFERENCE, words

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPERATORS = names_in(
    "and at between case collate div else end from ilike in interval is like mod not null or over then when"
)
"""Words that stand between or before the names of an expression, which then is more than a column."""
_DIRECTIONS = ("asc", "desc", "asc nulls first", "asc nulls last", "desc nulls first", "desc nulls last")


def check_orders(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check the directions of all orders, and names that are slips of declared columns or fields."""
    for declared in parts.all_fields():
        for text in _texts(declared):
            for mistake in _mistakes(text):
                problems.add(declared.place, declared.subject, f"order={_shown(text)}: {mistake}")
            _check_names(declared, text, parts, problems)
        if issubclass(declared.owner, Order):
            _check_member(declared, parts, problems)


def _texts(declared: DeclaredField) -> list[str]:
    """Return the orders of a field: its text, or those that an argument picks from."""
    order = declared.option("order")
    texts: list[Any] = list(order.sql.values()) if isinstance(order, Pick) else [order]
    return [text for text in texts if isinstance(text, str) and text.strip()]


def _shown(text: str) -> str:
    try:
        return f'"{Fragment.of(text).shown("{…}")}"'
    except ValueError:
        return "…"


def _mistakes(text: str) -> Iterator[str]:
    """Yield what is wrong with the commas and the directions of an order."""
    try:
        shown = Fragment.of(text).shown(REFERENCE)
    except ValueError:  # noted when the model was walked
        return
    for part in order_parts(shown):
        if not part.strip():
            yield "a comma has nothing on one of its sides: leave it out."
        elif re.fullmatch(r"\s*-\s*[A-Za-z_]\w*\s*", part):
            yield f'a minus is no direction: write "{part.strip(" -")} desc".'
        elif mistake := _direction_mistake(part):
            yield mistake


def _direction_mistake(part: str) -> str:
    """Return what is wrong with the words behind a term's column, or an empty text."""
    written = written_terms(part)
    expression = written[0].expression if written else part
    result = words(expression)
    is_names = len(result) > 1 and all(word.kind == "name" for word in result)
    if not is_names or any(word.lower in _OPERATORS for word in result):
        return ""
    column, first, behind = result[0].text, result[1].lower, " ".join(part.split()[1:]).lower()
    is_direction = first.startswith(("asc", "desc")) or bool(get_close_matches(first, ["asc", "desc"]))
    direction = next(iter(get_close_matches(behind, _DIRECTIONS, n=1, cutoff=0)), "") if is_direction else ""
    hint = f' Did you mean "{column} {direction}"?' if direction else " A comma separates two columns."
    return f"behind a column stand asc or desc, and maybe nulls first or nulls last.{hint}"


def _check_names(declared: DeclaredField, text: str, parts: ModelParts, problems: Problems) -> None:
    """Check the plain names of an order. Over rows, columns that are not declared may be meant; over groups, none."""
    shape = declared.shape
    if shape is None or not isinstance(shape.type, type):
        return
    fields = parts.fields.get(shape.type, [])
    name = shape.type.__name__
    is_grouped = any(field.word_name == "group_by" for field in fields) and shape.cardinality is not Cardinality.ONE
    known = _known(fields, shape.kind)
    for term in written_terms(text):
        if not _NAME.fullmatch(term.expression) or term.expression in known:
            continue
        if is_grouped and shape.cardinality is Cardinality.LIST:
            hint = suggestion(term.expression, known)
            message = (
                f"order={_shown(text)}: {name} has no field {term.expression}, by which to order its groups.{hint}"
            )
            problems.add(declared.place, declared.subject, message)
        elif meant := misspelled(term.expression, known):
            kind = "column" if shape.kind is ValueKind.OBJECT else "field"
            message = f'order={_shown(text)}: {term.expression} is no {kind} of {name}. Did you mean "{meant}"?'
            problems.add(declared.place, declared.subject, message)


def _known(fields: list[DeclaredField], kind: ValueKind) -> Collection[str]:
    """Return the names that an order may have: columns of an object, or fields of a section and what they are of."""
    if kind is ValueKind.OBJECT:
        return {name for field in fields for name in columns_in(field.column_text) if _is_column(field)}
    return {field.name for field in fields} | {str(field.option("expression", "")).strip() for field in fields}


def _is_column(field: DeclaredField) -> bool:
    return field.is_own_column or (field.word_name == "one" and not field.has_sql_link)


def _check_member(member: DeclaredField, parts: ModelParts, problems: Problems) -> None:
    """Check that a member of an order says its direction by its options, and names no slip of a column."""
    expression = member.option("expression")
    if not isinstance(expression, str):
        return
    terms = written_terms(expression)
    if len(terms) == 1 and terms[0].expression != expression.strip():
        message = "its direction stands in the SQL: write m.by(…, descending=True), and nulls= for the place of nulls."
        problems.add(member.place, member.subject, message, is_cause=True)
        return
    for declared in parts.all_fields():
        shape = declared.shape
        is_list = shape is not None and shape.kind is ValueKind.OBJECT and shape.cardinality is Cardinality.LIST
        if declared.option("order") is not member.owner or shape is None or not is_list:
            continue
        meant = misspelled(expression, _known(parts.fields.get(shape.type, []), shape.kind))
        if meant and _NAME.fullmatch(expression):
            message = f'{expression} is no column of {shape.type.__name__}. Did you mean "{meant}"?'
            problems.add(member.place, member.subject, message)
