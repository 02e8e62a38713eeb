"""SQL that takes whole rows, without naming their columns: such as `to_jsonb(p)`, `p::text` or `as p(a, b)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loaders.model.sql_words import SQLWord, words

_NO_ALIASES = frozenset(
    {"all", "and", "anti", "any", "array", "as", "asof", "cross", "except", "fetch", "final", "for", "full", "global"}
    | {"group", "having", "inner", "intersect", "join", "left", "limit", "natural", "offset", "on", "order", "prewhere"}
    | {"qualify", "right", "sample", "semi", "settings", "union", "using", "where", "window", "with"}
)
_BEFORE_ROWS = frozenset({"from", "join", "lateral", ","})
_SET_OPERATIONS = frozenset({"union", "intersect", "except"})
_BEHIND_STAR = frozenset({"from", ","})


def takes_whole_rows(sql: str) -> bool:
    """Return whether SQL may take values of columns that it does not name.

    `select *` keeps the names of the columns, by which what is around it reads them; not so behind `union`, and where
    the columns get other names. SQL that is not understood here counts as taking whole rows.
    """
    each = words(sql)
    texts = [_plain(word) for word in each]
    names = set(_row_names(each, texts))
    return any(_is_whole(texts, place, names) for place in range(len(texts)))


def _plain(word: SQLWord) -> str:
    if word.kind == "reference":
        return "{}"
    return word.text.strip('"`').lower() if word.kind == "name" else word.text


def _row_names(each: Sequence[SQLWord], texts: Sequence[str]) -> Iterator[str]:
    """Yield the names that rows have: of references, of sub-selects, of tables in `from`, and of a `with`."""
    opened: list[str] = []
    for place, text in enumerate(texts):
        before = _at(texts, place - 1)
        is_of_rows = text == "{}" or (each[place].kind == "name" and before in ("from", "join"))
        if text == "(":
            opened.append(before)
        elif text == ")":
            is_of_rows = bool(opened) and opened.pop() in _BEFORE_ROWS
        if is_of_rows:
            behind = place + (2 if _at(texts, place + 1) == "as" else 1)
            if behind < len(each) and each[behind].kind == "name" and texts[behind] not in _NO_ALIASES:
                yield texts[behind]
        elif each[place].kind == "name" and _begins_definition(texts, place + 1):
            yield text


def _is_whole(texts: Sequence[str], place: int, names: set[str]) -> bool:
    text, before, behind = texts[place], _at(texts, place - 1), _at(texts, place + 1)
    if text == "*":
        return _is_whole_star(texts, place)
    if text in names:
        is_defined = before in ("{}", ")", "as") or behind == "as"
        return behind == "(" if is_defined else behind != "." and before not in ("from", "join")
    is_columns = text == "columns" and behind == "("
    is_renamed = text == ")" and _begins_definition(texts, place + 1)
    return text == "natural" or is_columns or is_renamed


def _is_whole_star(texts: Sequence[str], place: int) -> bool:
    before = _at(texts, place - 1)
    if before == ".":
        before = _at(texts, place - 3)
    elif before == "(":
        return _at(texts, place - 2) != "count"
    elif before not in ("select", "distinct", "all", ","):
        return False  # it multiplies
    is_listed = before in ("select", "distinct", "all") and _at(texts, place + 1) in _BEHIND_STAR
    return not is_listed or not _SET_OPERATIONS.isdisjoint(texts)


def _begins_definition(texts: Sequence[str], place: int) -> bool:
    """Return whether the query of a `with` begins."""
    return _at(texts, place) == "as" and _at(texts, place + 1) in ("(", "materialized", "not")


def _at(texts: Sequence[str], place: int) -> str:
    return texts[place] if 0 <= place < len(texts) else ""
