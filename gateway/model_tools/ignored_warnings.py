"""Warnings that are ignored: by a comment on the line, `# fuseway: ignore[missing-index]`, or by an option."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.places import Place
from loaders.model.problems import Severity, suggestion

if TYPE_CHECKING:
    from loaders.model.model import Model
    from loaders.model.problems import Problem

_COMMENT = re.compile(r"\bfuseway:\s*ignore\b(?:\s*\[([^\]]*)\])?")
_KNOWN = tuple(code.value for code in WarningCode)
_OF_MODEL_ALONE = frozenset({WarningCode.INT_OVERFLOW, WarningCode.LATEST_VERSION, WarningCode.SCOPE_MISSPELT})
"""Codes of warnings that are the same with and without the databases: only these are known not to be needed without."""


@dataclass(frozen=True, slots=True)
class IgnoredWarnings:
    """The comments of a model's files, each a line and a code, and the codes of the command's options.

    A code is empty where a comment names none.
    """

    comments: Sequence[tuple[Place, str]]
    everywhere: Collection[str] = ()

    @classmethod
    def of(cls, model: Model, everywhere: Collection[str] = ()) -> IgnoredWarnings:
        """Read the comments of the files in which a model is declared."""
        comments = (comment for file in sorted(_files(model)) for comment in _comments(file))
        return cls(list(comments), everywhere)

    def kept(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems that are not ignored, all errors among them."""
        return [each for each in problems if each.severity is Severity.ERROR or not self._is_ignored(each)]

    def unused(self, problems: Iterable[Problem], *, is_live: bool) -> list[Problem]:
        """Return a warning for each comment that ignores none of the problems, or names no code that there is.

        Without the databases some warnings are not found, and comments with their codes may be needed.
        """
        needed = {(each.place, each.code) for each in problems}
        return [
            warning(place, "", _message(code), WarningCode.UNUSED_IGNORE)
            for place, code in self.comments
            if (place, code) not in needed and (is_live or code not in _KNOWN or code in _OF_MODEL_ALONE)
        ]

    def _is_ignored(self, problem: Problem) -> bool:
        return problem.code in self.everywhere or (problem.place, problem.code) in set(self.comments)


def _message(code: str) -> str:
    if not code:
        return f"the comment names no warning to ignore: say ignore[…] with one of {', '.join(_KNOWN)}."
    if code not in _KNOWN:
        return f'no warning has the code "{code}".{suggestion(code, _KNOWN)} They are {", ".join(_KNOWN)}.'
    return f"there is no warning {code} on this line: take the comment away."


def _files(model: Model) -> set[str]:
    fields = [*model.roots]
    for types in (model.objects, model.groups, model.sections, model.filters, model.orders):
        fields += [field for each in types.values() for field in each.fields]
    places = [*(table.place for table in model.tables), *(field.place for field in fields)]
    return {str(model.file), *(place.file for place in places)} - {""}


def _comments(file: str) -> Iterator[tuple[Place, str]]:
    """Yield the comments of a file, one for each code; none of one that cannot be read."""
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(Path(file).read_bytes()).readline))
    except (OSError, SyntaxError, tokenize.TokenError):
        return
    for token in tokens:
        comment = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
        for code in (comment.group(1) or "").split(",") if comment is not None else ():
            yield Place(file, token.start[0]), code.strip()
