"""Spans of a request and of loads that several requests wait for, with a stand-in for what exports them."""

from __future__ import annotations

import asyncio

import pytest

from loaders.tracing import (
    MAX_LINKS,
    SharedSpans,
    child_span,
    current_span,
    current_statement,
    entered,
    sharing,
    trace_id_of,
)
from tests.loaders.recorded_span import RecordedSpan


def test_nothing_is_recorded_without_a_span() -> None:
    with child_span("load") as span:
        assert span is None
        assert current_span() is None
    assert SharedSpans.begun() is None


def test_parts_are_below_each_other_and_end_with_their_blocks() -> None:
    request = RecordedSpan("request")
    with entered(request):
        with child_span("load") as load:
            assert current_statement() is None
            with child_span("select", is_client=True) as statement:
                assert current_span() is statement is current_statement()
        assert current_span() is request
    (outer,) = request.children
    (inner,) = outer.children
    assert (outer, inner) == (load, statement)
    assert 0 < inner.ended_ns <= outer.ended_ns
    assert not request.ended_ns, "who began it ends it"
    assert trace_id_of(request) == "a" * 32


def test_a_failure_is_noted_by_the_class_of_the_error_alone() -> None:
    request = RecordedSpan("request")
    with entered(request), pytest.raises(ValueError, match="a secret"), child_span("load"):
        raise ValueError("a secret")
    with entered(request), pytest.raises(asyncio.CancelledError), child_span("load"):
        raise asyncio.CancelledError
    assert [child.error for child in request.children] == ["ValueError", "cancelled"]


def test_spans_of_a_shared_load_are_linked_to_who_joins_even_after_they_are_over() -> None:
    first, second, third = RecordedSpan("first"), RecordedSpan("second"), RecordedSpan("third")
    with entered(first):
        shared = SharedSpans.begun()
        assert shared is not None
        with sharing(shared):
            with child_span("early", is_client=True):
                pass
            with sharing(None), entered(second), child_span("look-up") as waiting:
                shared.join()
            with child_span("late", is_client=True):
                pass
    early, late = first.children
    assert early.links == late.links == [second]
    assert waiting is second.children[0]
    assert second.children[0].links == [first]
    assert not early.ended_ns, "a request may join until the load is over"

    shared.close()
    assert 0 < early.ended_ns <= late.ended_ns
    with entered(third):
        shared.join()
    assert third.links == [], "it is over"


def test_a_part_that_outlives_its_load_ends_by_itself() -> None:
    request = RecordedSpan("request")
    with entered(request):
        shared = SharedSpans.begun()
        with sharing(shared), child_span("late"):
            assert shared is not None
            shared.close()
    assert request.children[0].ended_ns


def test_links_are_bounded() -> None:
    first = RecordedSpan("first")
    with entered(first):
        shared = SharedSpans.begun()
        assert shared is not None
        with sharing(shared), child_span("select", is_client=True):
            for number in range(MAX_LINKS + 5):
                with entered(RecordedSpan(f"request {number}")):
                    shared.join()
    assert len(first.children[0].links) == MAX_LINKS
