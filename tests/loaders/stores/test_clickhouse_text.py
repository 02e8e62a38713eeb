"""ClickHouse's text that is no UTF-8 is wrong in its place alone, and never its hexadecimal digits."""

import pytest

from loaders.model.canonical import ScalarError
from loaders.model.scalars import ANYTHING, BYTES, TEXT, enum_scalar
from loaders.statements.answer_types import is_canonical_scalar
from loaders.stores.clickhouse import ClickHouse
from tests.loaders.model.test_scalars import Role

_CASTS = {
    "String": "value",
    "Nullable(String)": "toNullable(value)",
    "LowCardinality(String)": "toLowCardinality(value)",
    "LowCardinality(Nullable(String))": "toLowCardinality(toNullable(value))",
    "FixedString": "toFixedString(value, 8)",
}
_ROWS = "select {sql} as value from (select arrayJoin([{values}]) as value)"


@pytest.mark.parametrize("cast", _CASTS.values(), ids=_CASTS.keys())
async def test_what_is_no_text_is_an_error_in_its_place_and_the_others_answer(
    clickhouse: ClickHouse, cast: str
) -> None:
    values = "'ff', unhex('FF'), 'Zürich', '', unhex('5AC3'), 'é'"
    answer = await clickhouse.columns(_ROWS.format(sql=cast, values=values), {})
    is_passed_on = is_canonical_scalar(TEXT, answer.types[0])
    digits, wrong, name, empty, cut, letter = answer.columns[0] if is_passed_on else TEXT.decode(answer.columns[0])
    assert (digits, name, empty, letter) == ("ff", "Zürich", "", "é")
    assert (type(wrong), type(cut)) == (ScalarError, ScalarError)


async def test_texts_are_read_whole_whatever_is_beside_them(clickhouse: ClickHouse) -> None:
    sql = _ROWS.format(sql="value", values="'a', null, 'Zür\\0ich', '\\0', null, '', '😀', unhex('80')")
    (column,) = (await clickhouse.columns(sql, {})).columns
    *texts, wrong = column
    assert (texts, type(wrong)) == (["a", None, "Zür\0ich", "\0", None, "", "😀"], ScalarError)
    sql = _ROWS.format(sql="value", values="'é', null, '\\0', null")
    (column,) = (await clickhouse.columns(sql, {})).columns
    assert list(column) == ["é", None, "\0", None]


async def test_many_texts_of_many_blocks_are_their_own(clickhouse: ClickHouse) -> None:
    sql = "select if(number % 3 = 0, concat('é', toString(number)), toString(number)) as value from numbers(150_000)"
    (column,) = (await clickhouse.columns(f"{sql} order by number", {})).columns
    assert list(column) == [f"é{number}" if number % 3 == 0 else f"{number}" for number in range(150_000)]


async def test_what_is_no_text_is_an_error_in_arrays_and_rows_too(clickhouse: ClickHouse) -> None:
    sql = "select ['é', unhex('FF'), 'ff'] as texts, [tuple(1, unhex('FF')), tuple(2, 'ff')] as pairs"
    texts, pairs = (await clickhouse.columns(sql, {})).columns
    ((letter, wrong, digits),) = TEXT.decode_lists(texts)
    assert (letter, type(wrong), digits) == ("é", ScalarError, "ff")
    ((first, second),) = pairs
    assert (first[0], type(first[1]), second) == (1, ScalarError, (2, "ff"))


async def test_what_is_no_text_is_an_error_for_other_scalars_too(clickhouse: ClickHouse) -> None:
    sql = "select unhex('FF') as plain, map('ok', unhex('FF')) as value, map(unhex('FF'), 'ok') as key"
    plain, value, key = (await clickhouse.columns(sql, {})).columns
    decoded = [enum_scalar(Role).decode(plain), *map(ANYTHING.decode, (plain, value, key))]
    assert [type(error) for (error,) in decoded] == [ScalarError] * 4


async def test_bytes_are_read_whatever_they_are(clickhouse: ClickHouse) -> None:
    sql = BYTES.select_clickhouse("unhex('00FF')")
    (column,) = (await clickhouse.columns(f"select {sql} as value", {})).columns
    assert BYTES.decode(column) == ["AP8="]
