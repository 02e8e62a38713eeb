"""Follows a page of the documentation: its blocks are written, run and asked in order, and what they show is compared.

A block is what its language and title say:

- with a title that is a file's name, a file of the reader's folder;
- with a title `FILE, at the end of CLASS`, lines of a class of that file; `From FILE`, lines that it has;
- `sh`: commands; the environment and the folder that they leave are those of the next ones;
- `sh title="In a terminal of its own"`: a server, which runs until the page ends, and is waited for;
- `text` behind commands: what they print, where `…` stands for anything;
- `graphql`: a query to the server, with the variables of a `json title="Variables"` behind it;
- `json` behind a query: the answer, or the part of it that it has.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.servers import answers

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_STATE = ".state"
SERVER, VARIABLES = "In a terminal of its own", "Variables"
_START_S = 60.0
_COMMAND_S = 240.0


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    text: str
    line: int


def blocks_of(page: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    return [
        Block(
            match[1],
            title[1] if (title := _TITLE.search(match[2])) else "",
            match[3],
            page[: match.start()].count("\n") + 1,
        )
        for match in _BLOCK.finditer(page)
    ]


@dataclass(slots=True)
class Reader:
    """Somebody who does what a page says, in a folder and an environment of their own."""

    folder: Path
    environment: dict[str, str]
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Texts of the page that a reader replaces by their own, such as the URLs of databases."""
    headers: dict[str, str] = field(default_factory=dict)
    first: tuple[dict[str, str], Path] = field(init=False)
    """The environment and the folder that it begins with: those of a new terminal."""
    server: subprocess.Popen[bytes] | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    """The last answer of the server."""
    printed: str = ""
    """What the last commands printed."""

    def __post_init__(self) -> None:
        self.first = (dict(self.environment), self.folder)

    def follow(self, page: str) -> None:
        """Do all that a page says, and compare what it shows. Raises AssertionError with the line of the page."""
        blocks = blocks_of(page)
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            self._do(block, following)

    def take(self, page: str, *titles: str) -> None:
        """Write files of another page, which a page goes on with."""
        for block in blocks_of(page):
            if block.title in titles:
                self._do(block, None)

    def _do(self, block: Block, following: Block | None) -> None:
        text = self.own(block.text)
        if block.language == "sh" and block.title == SERVER:
            self.serve(text)
        elif block.language == "sh" and not block.title:
            self.run(text, block.line)
        elif block.language == "graphql" and not block.title:
            variables = following is not None and following.title == VARIABLES
            self.ask(text, json.loads(following.text) if variables and following is not None else {})
        elif block.language == "text" and not block.title:
            assert matches(text, self.printed), f"line {block.line}: the commands printed\n{self.printed}"
        elif block.language == "json" and not block.title:
            shown = json.loads(text)
            assert {name: self.answer.get(name) for name in shown} == shown, (
                f"line {block.line}: {json.dumps(self.answer)[:3000]}"
            )
        elif block.title and block.title != VARIABLES:
            self._file(block, text)

    def _file(self, block: Block, text: str) -> None:
        """Write a file, add lines to a class in it, or compare lines of it."""
        name, _, of_class = block.title.removeprefix("From ").partition(", at the end of ")
        path = self.place / name
        if block.title.startswith("From "):
            assert text in path.read_text(), f"line {block.line}: {name} has no such lines"
        elif of_class:
            before, head, after = path.read_text().partition(f"\nclass {of_class}(")
            body, blank, rest = after.partition("\n\n\n")
            path.write_text(f"{before}{head}{body}\n{text.rstrip()}{blank}{rest}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    @property
    def place(self) -> Path:
        """The folder that the commands so far have led to."""
        return Path(self.environment.get("PWD", str(self.folder)))

    def own(self, text: str) -> str:
        """Return a text of the page with what is the reader's own."""
        for shown, own in self.replaced.items():
            text = text.replace(shown, own)
        return text

    def run(self, text: str, line: int = 0) -> str:
        """Run commands in a shell, whose environment and folder are kept; returns what they print."""
        state = self.folder / _STATE
        script = (
            f"set -euo pipefail\ncd {json.dumps(str(self.place))}\n{text}\nset +u\nenv -0 > {json.dumps(str(state))}\n"
        )
        finished = subprocess.run(
            ["bash", "-c", script],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        self.printed = finished.stdout + finished.stderr
        assert finished.returncode == 0, f"line {line}: status {finished.returncode} of\n{text}\n{self.printed}"
        self.environment = dict(entry.split("=", 1) for entry in state.read_text().split("\0") if "=" in entry)
        return self.printed

    def serve(self, text: str) -> None:
        """Start a server in the background, and wait until it is ready."""
        self.stop()
        environment, place = self.first
        log = self.folder / "server.log"
        with log.open("wb") as output:
            self.server = subprocess.Popen(
                ["bash", "-ec", text],
                env=environment,
                cwd=place,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_S
        while not answers(f"{self.url}/readyz"):
            assert self.server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.environment['GATEWAY_PORT']}"

    def ask(self, query: str, variables: Mapping[str, Any] | None = None, **extensions: Any) -> dict[str, Any]:
        """Send a query to the server; returns the answer."""
        body = {"query": query, "variables": dict(variables or {}), "extensions": extensions}
        response = httpx.post(f"{self.url}/graphql", json=body, headers=self.headers, timeout=30)
        self.answer = response.json()
        return self.answer

    def stop(self) -> None:
        """Stop the server."""
        if self.server is not None:
            if self.server.poll() is None:
                os.killpg(self.server.pid, signal.SIGTERM)
            self.server.wait(timeout=30)
            self.server = None


def matches(shown: str, printed: str) -> bool:
    """Return whether something was printed as it is shown, where `…` stands for anything."""
    pattern = ".*?".join(map(re.escape, shown.strip().split("…")))
    return re.fullmatch(pattern, printed.strip(), flags=re.DOTALL) is not None


def free_of(environment: Mapping[str, str], *prefixes: str) -> Iterator[tuple[str, str]]:
    """Yield the variables of an environment whose names do not begin like this."""
    yield from ((name, value) for name, value in environment.items() if not name.startswith(prefixes))
