"""Names in statements: PostgreSQL cuts those of more than 63 bytes, so that two could become one."""

from loaders.statements.section_sql import shortened


def test_long_names_that_begin_alike_stay_apart() -> None:
    names = [f"fw_{'a_long_beginning_' * 4}{end}" for end in ("inbound", "outbound")]
    short = [shortened(name, 63) for name in names]
    assert list(map(len, short)) == [63, 63]
    assert short[0] != short[1]
    assert short[0].startswith("fw_a_long_beginning_")


def test_a_short_name_stays_as_it_is() -> None:
    assert shortened("fw_orders__id", 63) == "fw_orders__id"
    assert shortened("a" * 63, 63) == "a" * 63
