"""Records: values by place, and failures."""

from __future__ import annotations

import pytest

from loaders.objects.object_record import ObjectRecord, Values, values_of
from loaders.statements.section_request import SectionRequest, section_request
from loaders.stores.errors import StoreError, StoreUnavailable
from tests.models import loaded_model

SECTIONS = loaded_model("deploy.analytics.model").bound_sections
ACTIVITY, RECORD = (section_request(SECTIONS[f"Member.{name}"]) for name in ("activity", "record"))
Columns = dict[SectionRequest, Values | StoreError]


def test_values_are_taken_by_place_from_what_was_loaded_together() -> None:
    first: Columns = {RECORD: ["a", "b"]}
    second: Columns = {RECORD: ["c"]}
    records = [ObjectRecord("k", first, 1), ObjectRecord("l", first, 0), ObjectRecord("m", second, 0)]
    assert values_of(records, RECORD) == ["b", "a", "c"]
    assert records[0].get(RECORD) == "b"


def test_a_failure_stays_in_its_place_and_is_raised_where_it_is_read() -> None:
    values: Columns = {RECORD: [("a",)], ACTIVITY: StoreUnavailable("web", "gone")}
    record = ObjectRecord("k", values, 0)
    assert record.get(RECORD) == ("a",)
    for read in (record.get, lambda request: values_of([record], request)):
        with pytest.raises(StoreError, match="gone"):
            read(ACTIVITY)
