"""Plans of PostgreSQL as trees: what is scanned, and the conditions that hold for its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_CONDITIONS = ("Index Cond", "Recheck Cond", "TID Cond", "Filter", "Hash Cond", "Merge Cond", "Join Filter")
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_COLUMN = rf"(?P<alias>{_NAME})\.(?P<column>{_NAME})"
_RELATION = re.compile(rf"\((?P<schema>{_NAME})\.(?P<name>{_NAME})(?: {_NAME})?\)")
_AROUND = re.compile(r"Aggregate on|(?:INNER|LEFT|RIGHT|FULL|SEMI|ANTI) JOIN|[() ]")
_CAST = r"(?:::[\w.\"]+(?: \w+)*(?:\([\d,]+\))?(?: \w+)*(?:\[\])*)?"
_SIDE = re.compile(rf"\(?{_COLUMN}\)?{_CAST}")
_LITERAL = re.compile(rf"(?:E?'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d[\d.]*|true|false)){_CAST}")
_OUTSIDE = re.compile(r"""'[^']*'|"[^"]*"|[()\[\]]| AND """)
"""Marks that say how deep a place in a condition lies; quoted texts are passed over, also with doubled quotes."""
_REMOTE = re.compile(r" WHERE (?P<conditions>.*?)(?: GROUP BY .*| ORDER BY .*| LIMIT .*| FOR .*)?$", re.DOTALL)
_MAX_CONDITIONS = 4_096
"""Conditions that are remembered: those of a model's statements are much alike."""
_SUBPLAN = re.compile(rf"ANY \({_COLUMN}{_CAST} = \(hashed (?P<name>\w+ \d+)\)\.col1\)")

Side = tuple[str, str]
"""An alias and its column; or a literal, whose alias is empty."""


@dataclass(slots=True, eq=False)
class PlanNode:
    """One node of a plan. `relation` is `schema.table` where it scans one, without quotes."""

    kind: str
    parent: PlanNode | None
    relation: str = ""
    relations: str = ""
    """Relations that another server scans together, as PostgreSQL says."""
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
        relations=written.get("Relations", ""),
        alias=written.get("Alias", ""),
        join=written.get("Join Type", ""),
        side=written.get("Parent Relationship", ""),
        name=written.get("Subplan Name", ""),
        rows=float(written.get("Plan Rows", 0)),
        cost=float(written.get("Total Cost", 0)),
        conditions=(*_conditions(written), *_remote(written)),
        indexed=written.get("Index Cond", "") or written.get("Recheck Cond", ""),
        output=tuple(written.get("Output", ())),
        sort=tuple(written.get("Sort Key", ())),
    )
    node.children = [plan_tree(each, node) for each in written.get("Plans", ())]
    return node


def _conditions(written: Mapping[str, Any]) -> Iterator[str]:
    """Yield the conditions that a node says to hold together."""
    for key in _CONDITIONS:
        if key in written:
            yield from conjuncts(written[key])


def _remote(written: Mapping[str, Any]) -> Iterator[str]:
    """Yield the conditions that a foreign table's rows are asked of their own server with, as of the scan's alias."""
    where = _REMOTE.search(written.get("Remote SQL", ""))
    for condition in conjuncts(where["conditions"]) if where is not None and "Alias" in written else ():
        if re.match(rf"{_NAME} = ", condition):
            yield f"{written['Alias']}.{condition}"


@lru_cache(maxsize=_MAX_CONDITIONS)
def conjuncts(condition: str) -> tuple[str, ...]:
    """Return the conditions that a condition joins by `and` at its outside, each without the brackets around it."""
    text, depth, start = condition.strip(), 0, 0
    parts: list[str] = []
    end_of_first = -1
    for match in _OUTSIDE.finditer(text):
        mark = match.group()
        if mark in "([":
            depth += 1
        elif mark in ")]":
            depth -= 1
            end_of_first = match.start() if depth == 0 and end_of_first < 0 else end_of_first
        elif mark == " AND " and depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    if parts:
        return tuple(each for part in (*parts, text[start:]) for each in conjuncts(part))
    if text.startswith("(") and end_of_first == len(text) - 1:
        return conjuncts(text[1:-1])
    return (text,)


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


def relations_named(text: str) -> tuple[list[str], str]:
    """Return the relations, as `schema.table`, that a text of relations names, and what of it is not understood."""
    names = [f"{plain(match['schema'])}.{plain(match['name'])}" for match in _RELATION.finditer(text)]
    return names, _AROUND.sub("", _RELATION.sub("", text))


def plain(name: str) -> str:
    """Return a name without quotes."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def without_number(alias: str) -> str:
    """Return the alias of a table as a whole, of one that PostgreSQL gives its part."""
    name, _, number = alias.rpartition("_")
    return name if name and number.isdigit() else alias


def _side(match: re.Match[str]) -> Side:
    groups = match.groupdict()
    if groups.get("alias"):
        return plain(groups["alias"]), plain(groups["column"])
    return "", groups["number"] or (groups["text"] or "").replace("''", "'")
