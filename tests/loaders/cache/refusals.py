"""States in which a server answers reads and refuses what an invalidation needs, entered and left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.loaders.cache.valkey import OwnValkey, until


@dataclass(frozen=True)
class Refusal:
    """How a server comes to refuse, and to accept again; `options` are what it is started with."""

    name: str
    enter: Callable[[OwnValkey, Path], Any]
    leave: Callable[[OwnValkey, Path], Any]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def _config(name: str, value: Any, normal: Any, *options: str) -> Refusal:
    return Refusal(
        name,
        lambda server, _: server.ask("CONFIG", "SET", name, value),
        lambda server, _: server.ask("CONFIG", "SET", name, normal),
        ("--appendonly", "no", *options),
    )


def _user(name: str, *rules: str) -> Refusal:
    """The user of every connection may do less."""
    return Refusal(
        f"user {name}",
        lambda server, _: server.ask("ACL", "SETUSER", "gateway", *rules),
        lambda server, _: server.ask("ACL", "SETUSER", "gateway", "~*", "+@all"),
        ("--user", "gateway", "on", ">secret", "~*", "&*", "+@all"),
    )


def _fail_to_save(server: OwnValkey, folder: Path) -> None:
    (folder / "blocked.rdb").mkdir()
    server.ask("CONFIG", "SET", "save", "3600 1000000")
    server.ask("BGSAVE")
    until(lambda: server.ask("INFO", "persistence")["rdb_last_bgsave_status"] == "err")


def _save(server: OwnValkey, folder: Path) -> None:
    (folder / "blocked.rdb").rmdir()
    server.ask("BGSAVE")
    until(lambda: server.ask("INFO", "persistence")["rdb_last_bgsave_status"] == "ok")


def _fill_the_disk(server: OwnValkey, folder: Path) -> None:
    """What it appends to becomes a file that is always full."""
    appended = folder / "appendonlydir"
    appended.mkdir()
    (appended / "temp-appendonly.aof.incr").symlink_to("/dev/full")
    server.ask("CONFIG", "SET", "appendonly", "yes")
    server.ask("SET", "unsaved", "")
    until(lambda: server.ask("INFO", "persistence").get("aof_last_write_status") == "err")


def _stop_appending(server: OwnValkey, _folder: Path) -> None:
    server.ask("CONFIG", "SET", "appendonly", "no")


def _key(name: str, broken: tuple[Any, ...]) -> Refusal:
    """A key of the invalidations holds what they cannot work with."""

    def enter(server: OwnValkey, _folder: Path) -> None:
        server.ask("DEL", f"gateway:{name}")
        server.ask(broken[0], f"gateway:{name}", *broken[1:])

    return Refusal(f"key {name}", enter, lambda server, _: server.ask("DEL", f"gateway:{name}"))


SERVER = (
    _config("maxmemory", 1, 0, "--maxmemory-policy", "noeviction"),
    _config("min-replicas-to-write", 1, 0),
    Refusal("a save failed", _fail_to_save, _save, ("--dbfilename", "blocked.rdb")),
    Refusal("the disk is full", _fill_the_disk, _stop_appending, ("--appendonly", "no")),
    Refusal(
        "a replica",
        lambda server, _: server.ask("REPLICAOF", "127.0.0.1", 1),
        lambda server, _: server.ask("REPLICAOF", "NO", "ONE"),
    ),
    Refusal(
        "writes pause",
        lambda server, _: server.ask("CLIENT", "PAUSE", 600_000, "WRITE"),
        lambda server, _: server.ask("CLIENT", "UNPAUSE"),
    ),
    _user("who only reads", "-@all", "+@read", "+@connection", "+@scripting", "+info", "+time"),
    _user("who may not write", "-@write"),
    _user("without DEL", "-del"),
    _user("without HSET", "-hset"),
    _user("without INCR", "-incr"),
    _user("without XADD", "-xadd"),
)
"""Those in which a look-up fails at once."""

KEYS = (
    _user("without the stream of changes", "resetkeys", "~gateway:epochs", "~gateway:o:*", "~gateway:attending*"),
    _user("who may only read objects", "resetkeys", "%R~gateway:o:*", "~gateway:[eac]*"),
    _user("who may only read the stream", "resetkeys", "~gateway:[eoa]*", "%R~gateway:changes*"),
    _key("changes:count", ("SET", "many")),
    _key("changes:count", ("SET", 2**63 - 1)),
    _key("changes", ("SET", "")),
    _key("changes", ("XADD", f"{2**64 - 1}-{2**64 - 1}", "number", 1, "change", "[[],[]]")),
)
"""Those that concern a key which a look-up does not touch."""
