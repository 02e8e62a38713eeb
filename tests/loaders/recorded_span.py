"""A span that keeps what it is told, in the place of OpenTelemetry's."""

from __future__ import annotations

from loaders.tracing import Attribute, Span


class RecordedSpan:
    """A span that keeps what it is told."""

    def __init__(self, name: str, parent: RecordedSpan | None = None, *, is_client: bool = False) -> None:
        self.name = name
        self.is_client = is_client
        self.parent = parent
        self.children: list[RecordedSpan] = []
        self.attributes: dict[str, Attribute] = {}
        self.links: list[Span] = []
        self.error = ""
        self.ended_ns = 0

    @property
    def request(self) -> Span:
        return self if self.parent is None else self.parent.request

    @property
    def traceparent(self) -> str:
        return f"00-{'a' * 32}-{'b' * 16}-01"

    def child(self, name: str, *, is_client: bool = False) -> Span:
        self.children.append(RecordedSpan(name, self, is_client=is_client))
        return self.children[-1]

    def set(self, name: str, value: Attribute) -> None:
        assert not self.ended_ns
        self.attributes[name] = value

    def link(self, other: Span) -> None:
        assert not self.ended_ns
        self.links.append(other)

    def fail(self, error_type: str) -> None:
        assert not self.ended_ns
        self.error = error_type

    def end(self, ended_ns: int) -> None:
        assert not self.ended_ns
        self.ended_ns = ended_ns
