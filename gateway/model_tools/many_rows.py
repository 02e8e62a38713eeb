"""How many rows of a table are worth a word where a request reads or sorts all of them."""

MANY_ROWS = 10_000
"""Rows of PostgreSQL, which reads as many in a millisecond or two. A statement takes this long anyway, so that an index
for fewer would be kept at each write and save nothing."""
MANY_ROWS_OF_CLICKHOUSE = 100_000
"""Rows of ClickHouse, which reads granules of some 8,000 rows, and ten times as many in this time."""
