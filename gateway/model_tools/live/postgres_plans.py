"""Plans of PostgreSQL as trees: what is scanned, and the conditions that hold for its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_CONDITIONS = ("Index Cond", "Recheck Cond", "TID Cond", "Filter", "Hash Cond", "Merge Cond", "Join Filter")
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_COLUMN = rf"(?P<alias>{_NAME})\.(?P<column>{_NAME})"
_CAST = r"(?:::[\w.\"]+(?: \w+)*(?:\([\d,]+\))?(?: \w+)*(?:\[\])*)?"
_SIDE = re.compile(rf"\(?{_COLUMN}\)?{_CAST}")
_LITERAL = re.compile(rf"(?:E?'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d[\d.]*|true|false)){_CAST}")
_SUBPLAN = re.compile(rf"ANY \({_COLUMN}{_CAST} = \(hashed (?P<name>\w+ \d+)\)\.col1\)")

Side = tuple[str, str]
"""An alias and its column; or a literal, whose alias is empty."""


@dataclass(slots=True, eq=False)
class PlanNode:
    """One node of a plan. `relation` is `schema.table` where it scans one, without quotes."""

    kind: str
    parent: PlanNode | None
    relation: str = ""
    alias: str = ""
    join: str = ""
    side: str = ""
    name: str = ""
    rows: float = 0
    cost: float = 0
    conditions: tuple[str, ...] = ()
    """The conditions that hold together."""
    indexed: str = ""
    """The condition by which an index is read, whole."""
    output: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    children: list[PlanNode] = field(default_factory=list)

    def walk(self) -> Iterator[PlanNode]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def plan_tree(written: Mapping[str, Any], parent: PlanNode | None = None) -> PlanNode:
    """Return the tree of a plan as PostgreSQL writes it."""
    schema, name = written.get("Schema", ""), written.get("Relation Name", "")
    node = PlanNode(
        kind=written["Node Type"],
        parent=parent,
        relation=f"{schema}.{name}" if name else "",
        alias=written.get("Alias", ""),
        join=written.get("Join Type", ""),
        side=written.get("Parent Relationship", ""),
        name=written.get("Subplan Name", ""),
        rows=float(written.get("Plan Rows", 0)),
        cost=float(written.get("Total Cost", 0)),
        conditions=tuple(each for key in _CONDITIONS if key in written for each in conjuncts(written[key])),
        indexed=written.get("Index Cond", "") or written.get("Recheck Cond", ""),
        output=tuple(written.get("Output", ())),
        sort=tuple(written.get("Sort Key", ())),
    )
    node.children = [plan_tree(each, node) for each in written.get("Plans", ())]
    return node


def conjuncts(condition: str) -> list[str]:
    """Return the conditions that a condition joins by `and` at its outside, each without the brackets around it."""
    text = _without_brackets(condition)
    parts = _split(text)
    return [text] if len(parts) == 1 else [each for part in parts for each in conjuncts(part)]


def equality(condition: str) -> tuple[Side, Side] | None:
    """Return the two sides of a condition that says that columns, or a column and a literal, are equal."""
    subplan = _SUBPLAN.fullmatch(condition)
    if subplan is not None:
        return (plain(subplan["alias"]), plain(subplan["column"])), ("", f"{subplan['name']}.col1")
    match = _SIDE.match(condition) or _LITERAL.match(condition)
    if match is None or not condition.startswith(" = ", match.end()):
        return None
    rest = condition[match.end() + 3 :]
    other = _SIDE.fullmatch(rest) or _LITERAL.fullmatch(rest)
    return (_side(match), _side(other)) if other is not None else None


def column_of(expression: str) -> Side | None:
    """Return the column that an expression of a plan is; None where it is more."""
    match = _SIDE.fullmatch(expression)
    return None if match is None else _side(match)


def plain(name: str) -> str:
    """Return a name without quotes."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _side(match: re.Match[str]) -> Side:
    groups = match.groupdict()
    if groups.get("alias"):
        return plain(groups["alias"]), plain(groups["column"])
    return "", groups["number"] or (groups["text"] or "").replace("''", "'")


def _without_brackets(text: str) -> str:
    text = text.strip()
    while text.startswith("(") and _end_of_bracket(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _end_of_bracket(text: str) -> int:
    for place, depth in _depths(text):
        if depth == 0:
            return place
    return -1


def _split(text: str) -> Sequence[str]:
    """Return the parts of a text between the words `and` that no bracket or quote is around."""
    outside = [True] * len(text)
    for place, depth in _depths(text):
        outside[place] = depth == 0
    parts, start = [], 0
    for match in re.finditer(" AND ", text):
        if outside[match.start()] and outside[match.end() - 1]:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Yield each character's place, with the number of brackets that are open behind it; 1 and more inside quotes."""
    depth, quote = 0, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        yield place, depth + bool(quote)
