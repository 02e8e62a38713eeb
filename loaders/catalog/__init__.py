"""Catalogs of databases: tables, columns, keys and indexes, read for a model's tools and never to answer a request."""
