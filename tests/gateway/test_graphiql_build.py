"""GraphiQL's build, with an npm that writes down what it was asked to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.graphiql import build

pytestmark = pytest.mark.slow

SOURCE = Path(build.__file__).parent

NPM = """#!/bin/sh
echo "$*" >> npm-calls
echo "npm says something"
case "$1" in run) echo '{"script": "s.js", "style": "s.css"}' > assets/manifest.json;; esac
"""


def run_build(unbuilt: Path, npm: str | None) -> "subprocess.CompletedProcess[str]":
    """`python -m gateway.graphiql.build` on the copy, with nothing but this npm on the PATH."""
    path = path_with(unbuilt, npm)
    command = [sys.executable, "-m", "gateway.graphiql.build"]
    environment = {"PATH": path, "HOME": str(unbuilt.parent.parent)}
    return subprocess.run(
        command, cwd=unbuilt.parent.parent, env=environment, capture_output=True, text=True, check=False
    )


def path_with(unbuilt: Path, npm: str | None) -> str:
    """A folder beside the copy with this npm alone."""
    path = unbuilt.parent.parent / "bin"
    path.mkdir(exist_ok=True)
    (path / "npm").unlink(missing_ok=True)
    if npm is not None:
        (path / "npm").write_text(npm)
        (path / "npm").chmod(0o755)
    return str(path)


def npm_calls(unbuilt: Path) -> list[str]:
    return (unbuilt / "npm-calls").read_text().splitlines()


def test_build_installs_and_bundles_quietly(unbuilt: Path) -> None:
    result = run_build(unbuilt, NPM)
    assert (result.returncode, result.stderr) == (0, "")
    assert "GraphiQL was built in" in result.stdout
    assert "npm says something" not in result.stdout
    assert npm_calls(unbuilt) == ["ci", "run build"]
    assert (unbuilt / "assets" / "build.log").read_text() == "npm says something\n" * 2


def test_second_build_runs_no_npm(unbuilt: Path) -> None:
    run_build(unbuilt, NPM)
    result = run_build(unbuilt, NPM)
    assert (result.returncode, result.stdout) == (0, "GraphiQL is built.\n")
    assert npm_calls(unbuilt) == ["ci", "run build"]


@pytest.mark.parametrize("source", build.SOURCES)
def test_changed_source_is_built_again(unbuilt: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path_with(unbuilt, NPM))
    build.ensure_built(unbuilt)
    (unbuilt / source).write_text((unbuilt / source).read_text() + "\n")
    build.ensure_built(unbuilt)
    assert npm_calls(unbuilt) == ["ci", "run build"] * 2


def test_touched_source_is_not_built_again(unbuilt: Path) -> None:
    run_build(unbuilt, NPM)
    os.utime(unbuilt / "main.js")
    assert build.is_current(unbuilt)


def test_every_source_of_the_build_is_in_its_stamp() -> None:
    read_when_served = {"cdn.html", "index.html"}
    files = {path.name for path in SOURCE.iterdir() if path.is_file() and path.suffix != ".py"}
    assert files - read_when_served == set(build.SOURCES)


def test_missing_npm_is_said_and_no_failure(unbuilt: Path) -> None:
    result = run_build(unbuilt, None)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "npm was not found: GraphiQL will be loaded from a CDN; "
        "with npm (Node.js 18 or later) the gateway serves its own copy.\n"
    )


def test_missing_npm_keeps_the_last_build(unbuilt: Path) -> None:
    run_build(unbuilt, NPM)
    (unbuilt / "main.js").write_text("")
    result = run_build(unbuilt, None)
    assert (result.returncode, result.stdout) == (0, "npm was not found: GraphiQL stays as it was last built.\n")


def test_failed_build_shows_the_log_and_is_no_failure(unbuilt: Path) -> None:
    result = run_build(unbuilt, "#!/bin/sh\necho boom\nexit 1\n")
    assert (result.returncode, result.stderr) == (0, "")
    _, boom, sentence = result.stdout.splitlines()
    assert boom == "boom"
    assert sentence.startswith("GraphiQL's build failed (npm ci, log in ")
    assert not build.is_current(unbuilt)


def test_build_without_end_is_given_up(
    unbuilt: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm = unbuilt / "npm"
    npm.write_text("#!/bin/sh\n/bin/sleep 60\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(unbuilt))
    assert not build.ensure_built(unbuilt, timeout_s=0.2)
    assert "GraphiQL's build took more than 0 s: GraphiQL will be loaded" in capsys.readouterr().out


def test_folder_that_cannot_be_written_is_no_failure(unbuilt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (unbuilt / "assets").touch()
    assert not build.ensure_built(unbuilt)
    assert capsys.readouterr().out.startswith("GraphiQL cannot be built here (")
