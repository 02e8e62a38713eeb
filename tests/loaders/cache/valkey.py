"""Valkeys of a test's own, to stop, to start again, to fill: one, a master with a replica and a sentinel, a cluster."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from deploy.embedded.valkey import _server

SERVICE = "cache"


class OwnValkey:
    """Writes what it holds to disk as it goes, so that it has it again when it is started again."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._directory = directory
        self.options: Sequence[str] = options or ("--appendonly", "yes", "--appendfsync", "always")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it on its port; returns when it answers."""
        command = [str(_server()), *self._command()]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers)

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def stop(self) -> None:
        """Let it say nothing more, with its connections open, until it is killed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def ask(self, *command: Any) -> Any:
        """What it answers to a command."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)

    def _command(self) -> list[str]:
        return ["--port", str(self.port), "--dir", str(self._directory), "--save", "", *self.options]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100) == b"+PONG\r\n"
        except OSError:
            return False


class OwnSentinel(OwnValkey):
    """Names the master, and makes the replica the master within seconds where that is gone."""

    def __init__(self, directory: Path, master: OwnValkey) -> None:
        super().__init__(directory)
        self.url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.port}/{SERVICE}/0"
        self._file = directory / "sentinel.conf"
        self._file.write_text(
            f"port {self.port}\n"
            f"dir {directory}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 1000\n"  # a replica cut off ten times as long takes no master's place
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )

    def _command(self) -> list[str]:
        return [str(self._file), "--sentinel"]


class OwnCluster:
    """Three masters, each with a third of the slots."""

    def __init__(self, nodes: Sequence[OwnValkey], bus: int) -> None:
        self.nodes = nodes
        self._bus = bus
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)

    def is_well(self) -> bool:
        """Whether every node knows all others, and takes commands."""
        infos = [node.ask("CLUSTER", "INFO") for node in self.nodes]
        return all("cluster_state:ok" in info and "cluster_known_nodes:3" in info for info in infos)

    def join(self, replica: OwnValkey, master: OwnValkey) -> None:
        """Have a server of a cluster's join as the replica of a node; returns when it has all of its data."""
        replica.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self._bus)
        identity = master.ask("CLUSTER", "MYID")
        until(lambda: all(identity in item.ask("CLUSTER", "NODES") for item in (replica, *self.nodes)))
        replica.ask("CLUSTER", "REPLICATE", identity)
        until(lambda: replica.ask("INFO", "replication").get("master_link_status") == "up")
        until(lambda: all("slave" in str(item.ask("CLUSTER", "NODES")) for item in self.nodes))

    def move(self, slot: int, source: OwnValkey, target: OwnValkey) -> None:
        """Move a slot with its keys to another node."""
        source_id, target_id = source.ask("CLUSTER", "MYID"), target.ask("CLUSTER", "MYID")
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
        for node in (target, source, *self.nodes):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)


@contextmanager
def own_valkey(directory: Path, *options: str) -> Iterator[OwnValkey]:
    """Running for the length of the block."""
    valkey = OwnValkey(directory, *options)
    valkey.start()
    try:
        yield valkey
    finally:
        valkey.kill()


@contextmanager
def own_sentinel(directory: Path) -> Iterator[tuple[OwnSentinel, OwnValkey, OwnValkey]]:
    """A sentinel, the master that it watches, and the replica, running for the length of the block."""
    with ExitStack() as stack:
        master = stack.enter_context(own_valkey(_folder(directory, "master"), "--appendonly", "no"))
        follows = ("--replicaof", f"127.0.0.1 {master.port}", "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(own_valkey(_folder(directory, "replica"), *follows))
        until(lambda: replica.ask("INFO", "replication")["master_link_status"] == "up")
        sentinel = OwnSentinel(directory, master)
        stack.callback(sentinel.kill)
        sentinel.start()
        until(lambda: sentinel.ask("SENTINEL", "REPLICAS", SERVICE))
        yield sentinel, master, replica


def of_cluster(bus: int) -> Sequence[str]:
    """The options of a server that may be of a cluster; it hears of the others at this port."""
    cluster = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "500")
    return (*cluster, "--cluster-require-full-coverage", "no", "--appendonly", "yes", "--appendfsync", "always")


@contextmanager
def own_cluster(directory: Path) -> Iterator[OwnCluster]:
    """Running for the length of the block."""
    with ExitStack() as stack:
        buses = [free_port() for _ in range(3)]
        servers = [own_valkey(_folder(directory, f"node-{bus}"), *of_cluster(bus)) for bus in buses]
        nodes = [stack.enter_context(server) for server in servers]
        for index, node in enumerate(nodes):
            node.ask("CLUSTER", "ADDSLOTSRANGE", index * 16_384 // 3, (index + 1) * 16_384 // 3 - 1)
            node.ask("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, buses[0])
        cluster = OwnCluster(nodes, buses[0])
        until(cluster.is_well)
        yield cluster


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], Any], within_s: float = 40) -> None:
    """Return when something holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("Valkey does not come to what is waited for.")
        time.sleep(0.02)


def _folder(directory: Path, name: str) -> Path:
    folder = directory / name
    folder.mkdir()
    return folder
