"""Whether an answer is the truth."""

from collections.abc import Iterator, Mapping
from math import isclose

RELATIVE = 1e-9
NEAR_ZERO = 1e-9


def differences(actual: object, expected: object, path: str = "") -> list[str]:
    """Where two values differ, each with its path; a float need only be close, all else is exact."""
    return list(_differences(actual, expected, path))


def _differences(actual: object, expected: object, path: str) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        yield from _of_mappings(actual, expected, path)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _of_lists(actual, expected, path)
    elif not _same(actual, expected):
        yield f"{path}: {actual!r}, expected {expected!r}"


def _of_mappings(actual: Mapping[str, object], expected: Mapping[str, object], path: str) -> Iterator[str]:
    for key in expected.keys() | actual.keys():
        if key not in actual:
            yield f"{path}.{key}: absent, expected {expected[key]!r}"
        elif key not in expected:
            yield f"{path}.{key}: {actual[key]!r}, expected nothing"
        else:
            yield from _differences(actual[key], expected[key], f"{path}.{key}")


def _of_lists(actual: list[object], expected: list[object], path: str) -> Iterator[str]:
    if len(actual) != len(expected):
        yield f"{path}: {len(actual)} rows, expected {len(expected)}"
    for place, (item, other) in enumerate(zip(actual, expected, strict=False)):
        yield from _differences(item, other, f"{path}[{place}]")


def _same(actual: object, expected: object) -> bool:
    if isinstance(expected, float) and isinstance(actual, int | float) and not isinstance(actual, bool):
        return isclose(actual, expected, rel_tol=RELATIVE, abs_tol=NEAR_ZERO)
    return type(actual) is type(expected) and actual == expected


def count_values(value: object) -> int:
    """How many leaves a value has."""
    if isinstance(value, Mapping):
        return sum(map(count_values, value.values()))
    if isinstance(value, list):
        return sum(map(count_values, value))
    return 1
