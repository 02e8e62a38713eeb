"""Links of a scaffolded model: foreign keys in both directions, and many-to-many through tables that join."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.indexes import order_behind, remarks_on
from gateway.model_tools.scaffold.joins import references
from gateway.model_tools.scaffold.plan import FieldKind, Plan, PlannedField, PlannedObject
from gateway.model_tools.scaffold.python_text import literal
from gateway.model_tools.scaffold.sql_names import named_all, term
from gateway.model_tools.scaffold.words import plural, singular, snake

_SUFFIX = re.compile(r"_(?:id|uuid|guid|key|code|fk|pk|ref|no|number)$")
_PREFIX = re.compile(r"^(?:id|fk)_")


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key of one object type to another, and the name of the part that the target has in it."""

    owner: TableId
    columns: tuple[str, ...]
    target: TableId
    role: str


def links_of(plan: Plan) -> list[Link]:
    """Return the foreign keys between objects, in the order of the object types."""
    keys = {table: kind.key for table, kind in plan.objects.items()}
    return [
        Link(owner, columns, target, _role(columns, plan.objects[target]))
        for owner in plan.objects
        for columns, target in references(plan, owner, keys)
    ]


def plan_links(plan: Plan, links: list[Link]) -> None:
    """Plan the links of objects to those that their foreign keys refer to."""
    for link in links:
        owner, target = plan.objects[link.owner], plan.objects[link.target]
        name = "parent" if _is_parent(link) else link.role
        field = owner.names.take(name, f"{name}_{target.noun}", f"{name}_link")
        columns = literal(named_all(link.columns))
        owner.fields.append(
            PlannedField(field, f"{target.name} | None", FieldKind.LINK, "one", (columns,), target=target.name)
        )


def plan_lists(plan: Plan, links: list[Link]) -> None:
    """Plan the lists of the objects that refer to each object, or the only one where the foreign key is unique."""
    between = Counter((link.owner, link.target) for link in links)
    for link in links:
        owner, target = plan.objects[link.owner], plan.objects[link.target]
        is_one = any(set(plan.tenants.without(link.owner, each)) <= set(link.columns) for each in owner.catalog.unique)
        names = _names_of_list(link, owner, target, is_only=between[link.owner, link.target] == 1, is_one=is_one)
        order = order_behind(plan, link.owner, link.columns)
        remarks = remarks_on(plan, link.owner, link.columns) if order is None and not is_one else ()
        columns = literal(named_all(link.columns))
        written = f"order={literal(order or ', '.join(map(term, owner.key)))}"
        target.fields.append(
            PlannedField(
                target.names.take(*names),
                f"{owner.name} | None" if is_one else f"list[{owner.name}]",
                FieldKind.LINK if is_one else FieldKind.LIST,
                "first" if is_one else "many",
                (columns, written),
                remarks,
                owner.name,
            )
        )


def plan_joins(plan: Plan) -> None:
    """Plan both lists of each table that joins two others."""
    keys = {table: kind.key for table, kind in plan.objects.items()}
    ends = {join: list(references(plan, join, keys)) for join in plan.joins}
    between = Counter(frozenset(target for _columns, target in pairs) for pairs in ends.values())
    for join, pairs in ends.items():
        is_only = between[frozenset(target for _columns, target in pairs)] == 1
        for (mine, owner), (theirs, target) in (pairs, pairs[::-1]):
            _plan_through(plan, join, (mine, plan.objects[owner]), (theirs, plan.objects[target]), is_only=is_only)


def _plan_through(
    plan: Plan,
    join: TableId,
    mine: tuple[tuple[str, ...], PlannedObject],
    theirs: tuple[tuple[str, ...], PlannedObject],
    *,
    is_only: bool,
) -> None:
    (own_columns, owner), (other_columns, target) = mine, theirs
    role, kind = plural(_role(other_columns, target)), plural(target.noun)
    through = f"{kind}_by_{singular(snake(join.name.rpartition('.')[2]))}"
    names = [role, through] if owner is target else [kind, role, through] if is_only else [through]
    remarks = remarks_on(plan, join, own_columns) if order_behind(plan, join, own_columns) is None else ()
    columns = (literal(named_all(own_columns)), literal(named_all(other_columns)))
    owner.fields.append(
        PlannedField(
            owner.names.take(*names, f"{through}_list"),
            f"list[{target.name}]",
            FieldKind.LIST,
            "through",
            (plan.tables[join].variable, *columns, f"order={literal(', '.join(map(term, target.key)))}"),
            remarks,
            target.name,
        )
    )


def _names_of_list(
    link: Link, owner: PlannedObject, target: PlannedObject, *, is_only: bool, is_one: bool
) -> list[str]:
    """Return names for the objects that refer to another one, the best one first."""
    own = owner.noun if is_one else plural(owner.noun)
    if link.owner == link.target:
        own = "child" if is_one else "children"
    is_plain = is_only or _is_parent(link) or link.role == target.noun
    full = f"{link.role}_{own}"
    return [own, full, f"{full}_list"] if is_plain else [full, f"{full}_list"]


def _role(columns: tuple[str, ...], target: PlannedObject) -> str:
    """Return the name of what a foreign key refers to, by its columns: `customer` of `customer_id`."""
    if len(columns) > 1:
        own = [name for name in columns if snake(name) not in map(snake, target.key)]
        return _shortened(own[-1]) if len(own) == 1 else target.noun
    return _shortened(columns[0])


def _shortened(column: str) -> str:
    text = snake(column)
    return _PREFIX.sub("", _SUFFIX.sub("", text)) or text


def _is_parent(link: Link) -> bool:
    return link.owner == link.target and link.role.startswith("parent")
