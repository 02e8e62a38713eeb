"""`gateway run --model`: engines of its own with the model's databases, and what the model sets up in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from benchmarks.servers import answers, wait_until
from deploy.embedded.process import free_port

pytestmark = pytest.mark.engine

TENANT = "00000000-0000-0000-0000-000000000002"
QUERY = {"query": "{ workspace { name } members(first: 1) { totalCount } }"}
ANSWER = {"data": {"workspace": {"name": "Workspace 2"}, "members": {"totalCount": 320}}}


def run_and_ask(folder: Path, tenant: str = TENANT) -> tuple[object, str]:
    """Return the answer of a new `gateway run`, and what it printed until it was stopped."""
    port = free_port()
    settings = {
        "GATEWAY_DATA_DIRECTORY": str(folder / "data"),
        "GATEWAY_PORT": str(port),
        "GATEWAY_GRAPHIQL": "false",
        "GATEWAY_ANONYMOUS_TENANT": tenant,
        "DATABASE_CRM_URL": "postgresql://another.example/crm",
    }
    command = [sys.executable, "-m", "gateway", "run", "--model", "deploy/analytics/model.py"]
    process = subprocess.Popen(
        command, env=os.environ | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/readyz"))
        answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json=QUERY, timeout=30).json()
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=60)
    return answer, said


def test_the_model_is_set_up_once_and_served(tmp_path: Path) -> None:
    for _ in range(2):
        answer, said = run_and_ask(tmp_path)
        assert answer == ANSWER, said
        assert "DATABASE_CRM_URL has no effect: `gateway run` starts databases of its own." in said
        assert "Setting up the data of analytics" in said
        assert "aircraft" not in said
        assert "GATEWAY_ANONYMOUS_TENANT" not in said


def test_without_a_tenant_it_names_one_to_begin_with(tmp_path: Path) -> None:
    refused, said = run_and_ask(tmp_path, tenant="")
    assert "Every request belongs to a tenant" in str(refused)
    (key,) = re.findall(r"GATEWAY_ANONYMOUS_TENANT=(\S+)\n", said)
    answer, _ = run_and_ask(tmp_path, tenant=key)
    assert answer == {"data": {"workspace": {"name": "Workspace 1"}, "members": {"totalCount": 320}}}
