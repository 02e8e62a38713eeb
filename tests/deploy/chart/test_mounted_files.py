"""Files of a ConfigMap are read from the folder that Kubernetes makes of it: a model, documents and checks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from deploy.chart_tools.chart import EXAMPLES
from gateway.probe.checks import Schedule, read_checks
from gateway.warm import documents


def _mount(folder: Path, files: dict[str, str]) -> None:
    """Lay files as the kubelet does: links to a folder of this version, by way of a link to that folder."""
    version = folder / "..2026_11_29_01_20_00.123456789"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for name, text in files.items():
        (version / name).write_text(text)
        (folder / name).symlink_to(Path("..data") / name)


def test_the_examples_model_is_read_from_a_mounted_configmap(tmp_path: Path) -> None:
    values = yaml.safe_load((EXAMPLES / "model-configmap.yaml").read_text())
    _mount(tmp_path / "model", values["model"]["configMap"]["files"])
    gateway = shutil.which("gateway", path=Path(sys.executable).parent)
    assert gateway is not None
    done = subprocess.run(
        [gateway, "schema", "--model", str(tmp_path / "model" / "model.py")],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env={"PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "type Customer" in done.stdout


def test_documents_to_warm_are_read_from_a_mounted_configmap(tmp_path: Path) -> None:
    text = "query Warm($ids: [ID!]!) { customers(ids: $ids) { name } }"
    _mount(tmp_path / "warm", {"b.graphql": text.replace("Warm", "B"), "a.graphql": text.replace("Warm", "A")})
    assert documents([tmp_path / "warm"]) == [text.replace("Warm", name) for name in "AB"]


def test_checks_of_the_probe_are_read_from_a_mounted_configmap(tmp_path: Path) -> None:
    _mount(
        tmp_path / "checks",
        {"orders.graphql": "query ($first: Int) { orders(first: $first) }", "orders.json": '{"first": 1}'},
    )
    (check,) = read_checks(tmp_path / "checks", Schedule(60, 10))
    assert check.name == "orders"
