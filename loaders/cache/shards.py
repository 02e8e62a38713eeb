"""Divide objects into the shards of Redis: one server has one shard, a cluster has several over its nodes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from zlib import crc32

from loaders.stores.redis import Redis, Scripts


class Shards:
    """The scripts of each shard."""

    def __init__(self, redis: Redis) -> None:
        self._scripts = [Scripts(redis, shard) for shard in range(redis.shards)]

    def __getitem__(self, shard: int) -> Scripts:
        return self._scripts[shard]

    def __iter__(self) -> Iterator[Scripts]:
        return iter(self._scripts)

    def __len__(self) -> int:
        return len(self._scripts)

    def places(self, keys: Sequence[str]) -> Mapping[int, Sequence[int]]:
        """Return the indexes of the keys by shard, in order; shards without a key are left out."""
        if len(self) == 1:
            return {0: range(len(keys))} if keys else {}
        places: defaultdict[int, list[int]] = defaultdict(list)
        for index, key in enumerate(keys):
            places[crc32(key.encode()) % len(self)].append(index)
        return places
