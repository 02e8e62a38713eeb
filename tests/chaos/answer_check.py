"""What is wrong with an answer that was given during a fault, by the truth and by what the fault may cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.truth.compare import differences

Path = tuple[str | int, ...]
FieldPath = tuple[str, ...]
"""A path without the places of lists."""
StoresOf = Callable[[FieldPath], frozenset[str]]
"""The stores that a field needs: any one of them may take it along."""

RECORDS: Final = "postgres"
"""The store of objects' own records: while it answers, it says which objects there are."""
CODES: Final = frozenset({"STORE_UNAVAILABLE", "STORE_TIMEOUT"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client was given: the objects in their places, the errors, and how long it took."""

    status: int
    seconds: float
    items: list[Any] | None
    errors: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    is_export: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept."""

    kind: str
    """WRONG, UNEXPLAINED, MISSING, SHAPE, EXISTENCE, STATUS, LATE, RETURN, LOG."""
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """The truth of an answer, and what may be missing from it."""

    root: str
    items: list[Any]
    """The object in each place, None where there is none."""
    proofs: Sequence[frozenset[str]]
    """The stores that can prove each object, by its record or by sections that are asked."""
    stores_of: StoresOf
    faulty: frozenset[str] = frozenset()
    """The stores whose values may be missing."""
    away: frozenset[str] = frozenset()
    """Stores that have a fault though no value may be missing, since all are cached: errors may name them."""
    is_late: bool = False
    """Whether answers come so late that no time is left to ask another store, which is then named instead."""
    is_brief: bool = False
    """Whether only some of a store's answers are damaged: the one that says which objects exist may be whole."""


def check(answer: Answer, expected: Expectation) -> list[Violation]:
    """Return what is wrong with an answer."""
    if answer.status != 200:
        return list(_refusal(answer, expected))
    if answer.items is None:
        return [Violation("MISSING", f"the whole answer is null: {list(answer.errors)[:3]}")]
    if answer.is_export:
        return list(_exported(answer, expected))
    comparison = _Comparison()
    comparison.compare(answer.items, expected.items, (expected.root,))
    return [*comparison.wrong, *_missing(comparison, expected), *_explained(comparison, answer, expected)]


def _refusal(answer: Answer, expected: Expectation) -> Iterator[Violation]:
    """Check a status that means that nothing was executed."""
    if answer.status != 503 or "retry-after" not in answer.headers:
        yield Violation("STATUS", f"{answer.status} {list(answer.errors)[:2]}")
    if not expected.faulty:
        yield Violation("MISSING", f"refused with {answer.status} without a fault that may cost anything")


def _exported(answer: Answer, expected: Expectation) -> Iterator[Violation]:
    """Check the lines of an export: they are whole and true until the one that says why it breaks off."""
    assert answer.items is not None
    for place, item in enumerate(answer.items):
        for text in differences(item, expected.items[place], f"line {place}"):
            yield Violation("WRONG", text)
    if len(answer.items) < len(expected.items):
        if not expected.faulty:
            text = f"{len(answer.items)} lines of {len(expected.items)} after {answer.seconds:.1f} s: {answer.errors}"
            yield Violation("MISSING", text)
        codes = [error.get("extensions", {}).get("code") for error in answer.errors]
        if len(codes) != 1:
            yield Violation("UNEXPLAINED", f"the export ends without an error: {codes}")
        elif codes[0] not in CODES:
            yield Violation("SHAPE", f"the export breaks off with {codes[0]}")
    elif answer.errors:
        yield Violation("SHAPE", f"a whole export has errors: {answer.errors}")


class _Comparison:
    """Values that differ from the truth, and nulls in the place of values, in the order of the answer."""

    def __init__(self) -> None:
        self.wrong: list[Violation] = []
        self.nulls: list[Path] = []
        self.all_nulls: defaultdict[FieldPath, list[Path]] = defaultdict(list)
        """By field, also those that are true: what failed cannot know which values are null."""
        self.present: set[FieldPath] = set()
        """Fields that have a value anywhere."""

    def compare(self, actual: Any, expected: Any, path: Path) -> None:
        if actual is not None:
            self.present.add(field_path(path))
        if actual is None:
            self.all_nulls[field_path(path)].append(path)
        if actual is None and expected is not None:
            self.nulls.append(path)
        elif isinstance(actual, dict) and isinstance(expected, dict):
            if actual.keys() != expected.keys():
                self.wrong.append(Violation("WRONG", f"{_text(path)}: fields {sorted(actual)}"))
            for name in actual.keys() & expected.keys():
                self.compare(actual[name], expected[name], (*path, name))
        elif isinstance(actual, list) and isinstance(expected, list):
            if len(actual) != len(expected):
                self.wrong.append(Violation("WRONG", f"{_text(path)}: {len(actual)} rows of {len(expected)}"))
            for place, (item, other) in enumerate(zip(actual, expected, strict=False)):
                self.compare(item, other, (*path, place))
        else:
            self.wrong += [Violation("WRONG", text) for text in differences(actual, expected, _text(path))]


def _missing(comparison: _Comparison, expected: Expectation) -> Iterator[Violation]:
    """Find nulls that the fault does not excuse."""
    for path in comparison.nulls:
        if len(path) == 2:
            proofs = expected.proofs[int(path[1])]
            if not proofs <= expected.faulty:
                yield Violation("MISSING", f"{_text(path)} is null, though {sorted(proofs - expected.faulty)} knows it")
        elif not expected.stores_of(field_path(path)) & expected.faulty:
            yield Violation("MISSING", f"{_text(path)} is null, which needs none of {sorted(expected.faulty)}")


def _explained(comparison: _Comparison, answer: Answer, expected: Expectation) -> Iterator[Violation]:
    """Check that each null has an error and each error a null, one for each field, with all that is documented."""
    groups: defaultdict[FieldPath, list[Path]] = defaultdict(list)
    for path in comparison.nulls:
        groups[field_path(path)].append(path)
    unknown = [(expected.root, place) for place, item in enumerate(expected.items) if item is None]
    root: FieldPath = (expected.root,)
    used: defaultdict[FieldPath, int] = defaultdict(int)
    for error in answer.errors:
        erring = _path_of(error)
        group = next((group for group in groups if field_path(erring)[: len(group)] == group), None)
        if group is None and erring in unknown:
            group = root
        if group is None and field_path(erring) in comparison.all_nulls:  # what failed cannot know which are null
            group = field_path(erring)
        if group is None:
            yield Violation("SHAPE", f"an error at {_text(erring)}, where nothing is missing: {error}")
            continue
        used[group] += 1
        yield from _error_shape(error, comparison.all_nulls[group], groups.get(group, []), expected)
    for group, paths in groups.items():
        if not used[group]:
            yield Violation("UNEXPLAINED", f"{_text(paths[0])} and {len(paths) - 1} more are null without an error")
        elif used[group] > 1 and group != root:
            yield Violation("SHAPE", f"{used[group]} errors for {'.'.join(group)}")
    is_unread = not any(expected.stores_of(path) == {RECORDS} for path in comparison.present)
    is_unknown = is_unread and (not expected.is_brief or any(map(_is_of_record, answer.errors)))
    if unknown and is_unknown and RECORDS in expected.faulty and groups.keys() - {root} and not used[root]:
        yield Violation("EXISTENCE", f"{_text(unknown[0])} is null without an error, though nobody can say that")


def _is_of_record(error: Mapping[str, Any]) -> bool:
    return str(error.get("extensions", {}).get("section")).endswith(".record")


def _is_at_fault(store: str, code: str | None, expected: Expectation) -> bool:
    return any(name in store.lower() for name in expected.faulty | expected.away) or (
        expected.is_late and code == "STORE_TIMEOUT"
    )


def _error_shape(
    error: Mapping[str, Any], paths: Sequence[Path], untrue: Sequence[Path], expected: Expectation
) -> Iterator[Violation]:
    """Check an error of a field that is null at these paths, of which `untrue` are null for the fault alone.

    Of the others it may say that they failed, or not: the cache may know that there is nothing.
    """
    extensions = error.get("extensions", {})
    code, store = extensions.get("code"), extensions.get("store")
    path = _path_of(error)
    where = f"the error at {_text(path)}"
    if code not in CODES:
        yield Violation("SHAPE", f"{where} has the code {code}")
    if len(field_path(path)) == 1:  # an object whose existence nobody can tell
        return
    if extensions.get("section") is None or store is None:
        yield Violation("SHAPE", f"{where} lacks section or store: {dict(extensions)}")
    elif not _is_at_fault(str(store), code, expected):
        yield Violation("SHAPE", f"{where} names {store}, which has no fault")
    firsts = paths[: paths.index(untrue[0]) + 1 if untrue else 1]
    if not any(path[: len(first)] == first for first in firsts):
        yield Violation("SHAPE", f"{where} is not at the first object, {_text(firsts[-1])}")
    counts = {len({path[:2] for path in some}) for some in (paths, untrue)}
    if extensions.get("affected") not in {*counts, *range(max(1, len(untrue)), len(paths) + 1)}:
        yield Violation("SHAPE", f"{where} affects {extensions.get('affected')}, not {len(untrue)} to {len(paths)}")


def _path_of(error: Mapping[str, Any]) -> Path:
    return tuple(error.get("path") or ())


def field_path(path: Sequence[str | int]) -> FieldPath:
    """Leave out the places of lists."""
    return tuple(step for step in path if isinstance(step, str))


def _text(path: Path) -> str:
    return ".".join(map(str, path))
