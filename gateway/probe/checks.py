"""The questions and expectations of a probe: read from a folder of documents, or from a manifest beside them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

from gateway.probe.answer_paths import AnswerPath
from loaders.errors import CallerError

MANIFEST = "probe.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_MAX_CHECKS = 100
"""Checks of a probe: each has metrics, 90 days in the history, and a row on the page."""
_MAX_FILE_BYTES = 1 << 20
MAX_EVERY_S, MAX_TIMEOUT_S = 3_600.0, 60.0
_MIN_EVERY_S = 1.0
_OPTIONS = frozenset({"name", "document", "variables", "every_s", "timeout_s", "not_null", "max_age_s", "expected"})


@dataclass(frozen=True, slots=True)
class Check:
    """An operation that is asked every `every_s` seconds, and what is expected of its answer.

    `max_ages` are in seconds; `expected` is None where no values are expected.
    """

    name: str
    document: str
    every_s: float
    timeout_s: float
    variables: Mapping[str, Any] = field(default_factory=dict)
    not_null: tuple[AnswerPath, ...] = ()
    max_ages: Mapping[AnswerPath, float] = field(default_factory=dict)
    expected: Any = None

    def body(self) -> bytes:
        """Return the body of the request."""
        return orjson.dumps({"query": self.document, "variables": self.variables})


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often checks run that do not say so themselves, and how long they wait for an answer, in seconds."""

    every_s: float = 60.0
    timeout_s: float = 10.0


def read_checks(path: Path, schedule: Schedule) -> list[Check]:
    """Return the checks of a manifest, or of a folder: of its `probe.toml`, or else one for each .graphql file in it.

    Beside `orders.graphql`, `orders.json` has its variables and `orders.expected.json` what its answer must hold.
    Raises CallerError where something cannot be read, or is no check.
    """
    if path.is_dir() and not (path / MANIFEST).exists():
        checks = [_check(path, {"document": file.name}, schedule) for file in sorted(path.glob("*.graphql"))]
    else:
        manifest = path / MANIFEST if path.is_dir() else path
        checks = [_check(manifest.parent, options, schedule) for options in _manifest(manifest)]
    if not checks:
        raise CallerError(f"There is no check in {path}: put .graphql files there, or name a folder or a manifest.")
    if len(checks) > _MAX_CHECKS:
        raise CallerError(f"{path} has {len(checks):,} checks, and a probe has at most {_MAX_CHECKS}.")
    names = [check.name for check in checks]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise CallerError(f"Two checks of {path} have the name {repeated[0]}: give each its own by `name`.")
    return checks


def _manifest(path: Path) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:  # the latter of brackets without end
        raise CallerError(f"{path} is no TOML: {error}.") from error
    checks = content.get("check", [])
    if content.keys() - {"check"} or not isinstance(checks, list) or not all(isinstance(each, dict) for each in checks):
        raise CallerError(f"{path} must hold tables [[check]], and nothing else.")
    return checks


def _check(folder: Path, options: dict[str, Any], schedule: Schedule) -> Check:
    """Return a check of its options. Raises CallerError, which names the file and the option."""
    file = folder / str(options.get("document", ""))
    where = f"The check of {file}"
    if unknown := sorted(options.keys() - _OPTIONS):
        raise CallerError(f"{where} has no option {unknown[0]}: there are {', '.join(sorted(_OPTIONS))}.")
    if not isinstance(options.get("document"), str):
        raise CallerError(f"A check in {folder} names no file as its document.")
    name = options.get("name", file.stem)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CallerError(f"{where} needs a name of 1 to 63 letters, digits, dots, hyphens and underscores.")
    every_s = _seconds(options, "every_s", schedule.every_s, where, _MIN_EVERY_S, MAX_EVERY_S)
    timeout_s = _seconds(options, "timeout_s", min(schedule.timeout_s, every_s), where, 0.0, MAX_TIMEOUT_S)
    if timeout_s > every_s:
        raise CallerError(f"{where} has a timeout_s longer than its every_s: a check must end before the next one.")
    return Check(
        name,
        _document(file),
        every_s,
        timeout_s,
        _variables(file, options, where),
        tuple(_path(text, where) for text in _list(options, "not_null", where)),
        _ages(options, where),
        _expected(folder, file, options),
    )


def _seconds(
    options: Mapping[str, Any], option: str, default: float, where: str, minimum: float, maximum: float
) -> float:
    value = options.get(option, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum or value == 0:
        lower = f"at least {minimum:g}" if minimum else "more than 0"
        raise CallerError(f"{where} needs {option} of {lower} and at most {maximum:,g} seconds.")
    return float(value)


def _list(options: Mapping[str, Any], option: str, where: str) -> list[Any]:
    value = options.get(option, [])
    if not isinstance(value, list):
        raise CallerError(f"{where} needs a list as {option}.")
    return value


def _ages(options: Mapping[str, Any], where: str) -> dict[AnswerPath, float]:
    ages = options.get("max_age_s", {})
    if not isinstance(ages, dict):
        raise CallerError(f"{where} needs a table of paths and seconds as max_age_s.")
    year = 366 * 86_400.0
    return {_path(text, where): _seconds(ages, text, 0.0, f"{where}, in max_age_s,", 0.0, 100 * year) for text in ages}


def _path(text: object, where: str) -> AnswerPath:
    try:
        return AnswerPath.parse(str(text))
    except ValueError as error:
        raise CallerError(f"{where} has a path that cannot be read: {error}") from error


def _variables(file: Path, options: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    beside = file.with_suffix(".json")
    variables = options["variables"] if "variables" in options else _json(beside) if beside.exists() else {}
    if not isinstance(variables, dict):
        raise CallerError(f"{where} needs an object as its variables.")
    try:
        orjson.dumps(variables)
    except TypeError as error:
        raise CallerError(f"{where} has variables that JSON cannot hold: {error}.") from error
    return variables


def _expected(folder: Path, file: Path, options: Mapping[str, Any]) -> Any:
    if "expected" in options:
        return _json(folder / str(options["expected"]))
    beside = file.with_suffix(".expected.json")
    return _json(beside) if beside.exists() else None


def _document(file: Path) -> str:
    """Return the text of a file that holds one operation. Raises CallerError, for a mutation too."""
    text = _text(file)
    try:
        definitions = parse(text).definitions
    except GraphQLError as error:
        raise CallerError(f"{file} is no GraphQL: {error.message}") from error
    operations = [item for item in definitions if isinstance(item, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise CallerError(f"{file} must hold one query: a probe asks it again and again.")
    return text


def _json(file: Path) -> Any:
    try:
        return orjson.loads(_text(file))
    except orjson.JSONDecodeError as error:
        raise CallerError(f"{file} is no JSON: {error}.") from error


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise CallerError(f"{file} has more than {_MAX_FILE_BYTES:,} bytes.")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(f"{file} cannot be read: {error}") from error
