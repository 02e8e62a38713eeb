"""Caching of what stores answer: in the process, then in Redis, then the stores for what neither has.

`fields` says what is cached and how it is written, `local` holds it in the process, `shared` in Redis, `invalidation`
keeps both right when data change, and `cache` brings them together.
"""
