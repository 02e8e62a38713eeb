"""The time zone that a database keeps its times in."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.model.problems import ModelError
from tests.loaders.model.models import RIGHT, load

_PLAIN = 'm.Postgres("crm")'


def test_a_zone_is_that_of_a_place(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"Postgres\('crm'\): zone='Vienna' is no time zone, such as Europe/Vienna or UTC"
    ):
        load(tmp_path, RIGHT.replace(_PLAIN, 'm.Postgres("crm", zone="Vienna")'))


def test_another_zone_is_another_answer(tmp_path: Path) -> None:
    models = [
        load(tmp_path, RIGHT.replace(_PLAIN, f'm.Postgres("crm"{zone})'))
        for zone in ("", ', zone="UTC"', ', zone="Europe/Vienna"')
    ]
    assert len({model.digest for model in models}) == 3
