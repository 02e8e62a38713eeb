"""Three real engines from wheels, PostgreSQL, ClickHouse and Valkey: for `gateway run` and the tests."""
