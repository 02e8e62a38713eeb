"""Calls of the language with options that it does not have, or without those that it needs: noted, and not raised.

Python stops at the first such call, which hides every other mistake. Here a call goes on with what is right of it, and
what it makes has its mistakes, which are shown with all others when the model is compiled.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from loaders.model.problems import suggestion

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)
MISSING = "missing"
"""Stands for a text that a call needs and lacks."""
_EXAMPLES = {
    "order": 'order="placed_at desc"',
    "over": "over=orders",
    "table": "table=orders",
    "column": '"customer_id"',
    "expression": '"count(*)"',
    "types": "types=[Customer, Order]",
    "query": "query=Query",
    "claim": 'claim="customer"',
}


def noting(call: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of a function whose result has the attribute `mistakes`; `call` is its name in messages."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def noted(*args: P.args, **kwargs: P.kwargs) -> R:
            values, options, mistakes = mended(call, signature, args, kwargs)
            result: Any = function(*values, **options)
            if mistakes:
                object.__setattr__(result, "mistakes", mistakes)
            return result  # type: ignore[no-any-return]

        return noted

    return decorate


def noting_in(method: str, call: str = "") -> Callable[[C], C]:
    """Return a decorator of a class whose `__init__` or `__init_subclass__` sets the attribute `mistakes`."""

    def decorate(cls: C) -> C:
        function = vars(cls)[method]
        function = getattr(function, "__func__", function)
        signature = inspect.signature(function)

        @wraps(function)
        def noted(target: Any, *args: Any, **kwargs: Any) -> None:
            name = call or f"m.{(cls if isinstance(target, type) else type(target)).__name__}"
            values, options, mistakes = mended(name, signature, (target, *args), kwargs)
            function(*values, **options)
            _set_mistakes(target, mistakes)

        setattr(cls, method, classmethod(noted) if method == "__init_subclass__" else noted)
        return cls

    return decorate


def _set_mistakes(target: Any, mistakes: tuple[str, ...]) -> None:
    if isinstance(target, type):
        type.__setattr__(target, "_fuseway_mistakes", mistakes)
    elif mistakes:
        object.__setattr__(target, "mistakes", mistakes)


def mended(
    call: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]:
    """Return the values and options that a function can take, and what is wrong with those that it was given.

    A misspelt option that is needed stands under its right name; MISSING or 0 stands for what is not there.
    """
    parameters = {name: each for name, each in signature.parameters.items() if name not in ("self", "cls")}
    own = len(signature.parameters) - len(parameters)
    by_place = [name for name, each in parameters.items() if each.kind is not each.KEYWORD_ONLY]
    mistakes: list[str] = []
    values, options = tuple(args), dict(kwargs)
    if len(args) - own > len(by_place):
        named = " and ".join(by_place) or "none"
        mistakes.append(
            f"{call} takes {named} without a name, and has {len(args) - own} such values: name the options."
        )
        values = values[: own + len(by_place)]
    placed = by_place[: len(values) - own]
    for name in [name for name in options if name in placed]:
        mistakes.append(f"{call} says {name} twice.")
        del options[name]
    required = [name for name, each in parameters.items() if each.default is each.empty and name not in placed]
    for name in [name for name in options if name not in parameters]:
        value = options.pop(name)
        close = suggestion(name, [each for each in parameters if each not in placed and each not in options])
        mistakes.append(f"{call} has no option {name}.{close}")
        meant = close.partition('"')[2].partition('"')[0]
        if meant in required:
            options[meant] = value
    for name in [name for name in required if name not in options]:
        mistakes.append(f"{call} needs {_needed(call, name, is_named=name not in by_place)}.")
        options[name] = 0 if parameters[name].annotation in (int, "int") else MISSING
    return values, options, tuple(mistakes)


def _needed(call: str, name: str, *, is_named: bool) -> str:
    example = 'default="placed_at desc"' if (call, name) == ("m.Order", "default") else _EXAMPLES.get(name, "")
    return f"{name}{'=' if is_named else ''}{f', such as {example}' if example else ''}"
