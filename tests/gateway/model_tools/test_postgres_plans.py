"""Conditions of plans: what holds for all rows, and which sides of it are equal."""

from __future__ import annotations

import pytest

from gateway.model_tools.live.postgres_plans import conjuncts, equality


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(a.x = 1)", ["a.x = 1"]),
        ("((a.x = 1) AND (a.y = 2))", ["a.x = 1", "a.y = 2"]),
        ("((a.x = 1) AND ((a.y = 2) AND (a.z = 3)))", ["a.x = 1", "a.y = 2", "a.z = 3"]),
        ("((a.x = 1) OR (a.y = 2))", ["(a.x = 1) OR (a.y = 2)"]),
        ("(NOT ((a.x = 1) AND (a.y = 2)))", ["NOT ((a.x = 1) AND (a.y = 2))"]),
        ("((a.x = ') AND ('::text) AND (a.y = 2))", ["a.x = ') AND ('::text", "a.y = 2"]),
        ("((a.x = ANY ('{1,2}'::bigint[])) AND (a.y = 2))", ["a.x = ANY ('{1,2}'::bigint[])", "a.y = 2"]),
    ],
)
def test_conditions_are_parted_where_and_joins_them(condition: str, expected: list[str]) -> None:
    assert list(conjuncts(condition)) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a.x = 'u'::uuid", (("a", "x"), ("", "u"))),
        ("(a.x)::text = 'it''s'::text", (("a", "x"), ("", "it's"))),
        ('"A b"."Name" = 5', (("A b", "Name"), ("", "5"))),
        ("a.x = '5'::bigint", (("a", "x"), ("", "5"))),
        ("a.x = b.y", (("a", "x"), ("b", "y"))),
        ("(a.x)::text = (b.y)::text", (("a", "x"), ("b", "y"))),
        ("ANY (a.x = (hashed SubPlan 1).col1)", (("a", "x"), ("", "SubPlan 1.col1"))),
        ("(a.x = 1) OR (a.y = 2)", None),
        ("NOT (a.x = 1)", None),
        ("a.x = (b.y + 1)", None),
        ("a.x = ANY ('{1}'::bigint[])", None),
        ("lower(a.x) = 'u'::text", None),
        ("a.x <> 'u'::text", None),
    ],
)
def test_the_sides_of_an_equality_are_columns_and_literals(condition: str, expected: object) -> None:
    assert equality(condition) == expected
