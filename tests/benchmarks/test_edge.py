"""Requests a second through nginx."""

from collections.abc import Iterator

import httpx
import pytest

from benchmarks.asking import TEXTS
from benchmarks.edge import measure_edge
from benchmarks.endpoints.bare import application
from benchmarks.processes import endpoint
from deploy.embedded.engines import StoreUrls
from tests.conftest import Stores
from tests.gateway.conftest import environment_of
