"""ClickHouse's HTTP interface over chDB: its engine in a process of its own, reached as a ClickHouse server is."""
