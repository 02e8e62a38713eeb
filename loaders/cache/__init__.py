"""The cache in front of the stores: in the memory of the process, and in Redis.

`fields` defines what is cached and how it is written, `local` is the cache in memory, `shared` the one in Redis,
`invalidation` drops values from both when data change, and `cache` brings them together.
"""
