"""Builds GraphiQL's assets with npm, once: a start that finds them current reads a few small files and goes on."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent

# Whatever changes the built files. The templates are read when the page is served.
SOURCES = (
    ".npmrc",
    "build.mjs",
    "main.js",
    "package-lock.json",
    "package.json",
    "page.js",
    "plan.js",
    "style.css",
    "workers.js",
)

# Without it, a network that swallows packets would hold up the gateway's start for as long as npm has patience.
BUILD_TIMEOUT_S = 300.0

LOG_LINES_SHOWN = 20


class BuildFailedError(Exception):
    """The assets cannot be built; the message is the reason, fit for the middle of a sentence."""


def ensure_built(directory: Path = HERE, timeout_s: float = BUILD_TIMEOUT_S) -> bool:
    """Build what is missing or older than its sources. Return whether the assets are current afterwards.

    A failure never prevents the start: it is printed in a sentence, with the end of npm's output if there is any.
    """
    if is_current(directory):
        return True
    try:
        with _only_build(directory):
            return is_current(directory) or _build(directory, timeout_s)
    except BuildFailedError as error:
        print(f"{error}: {_served_instead(directory)}", flush=True)
    except OSError as error:
        print(f"GraphiQL cannot be built here ({error}): {_served_instead(directory)}", flush=True)
    return False


def is_current(directory: Path) -> bool:
    """Return whether there is a finished build of the current sources."""
    assets = directory / "assets"
    try:
        return (assets / "stamp").read_text() == _stamp(directory) and (assets / "manifest.json").is_file()
    except OSError:
        return False


def _stamp(directory: Path) -> str:
    """Return a hash of the sources' contents: modification times do not survive a checkout or a copy into an image."""
    digests = [hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in SOURCES]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _build(directory: Path, timeout_s: float) -> bool:
    npm = shutil.which("npm")
    if npm is None:
        raise BuildFailedError("npm was not found")
    print("Building GraphiQL with npm, once; this takes about half a minute ...", flush=True)
    started = time.monotonic()
    stamp = _stamp(directory)
    _run_npm(npm, directory, timeout_s)
    (directory / "assets" / "stamp").write_text(stamp)
    print(f"GraphiQL was built in {time.monotonic() - started:.0f} s.", flush=True)
    return True


def _run_npm(npm: str, directory: Path, timeout_s: float) -> None:
    """Install and bundle, with npm's output in a log that is shown only when one of them fails."""
    log = directory / "assets" / "build.log"
    deadline = time.monotonic() + timeout_s
    with log.open("w") as output:
        for arguments in (["ci"], ["run", "build"]):
            command = [npm, *arguments]
            try:
                status = _run(command, directory, output.fileno(), deadline - time.monotonic())
            except subprocess.TimeoutExpired:
                raise BuildFailedError(f"GraphiQL's build took more than {timeout_s:.0f} s") from None
            if status != 0:
                print(_last_lines(log), flush=True)
                raise BuildFailedError(f"GraphiQL's build failed (npm {' '.join(arguments)}, log in {log})")


def _run(command: list[str], directory: Path, output: int, timeout_s: float) -> int:
    """Return the exit status; npm is a tree of processes, so all of them end with this call, however it ends."""
    with subprocess.Popen(  # noqa: S603 - npm's absolute path and constant arguments
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(timeout_s)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def _served_instead(directory: Path) -> str:
    if (directory / "assets" / "manifest.json").is_file():
        return "GraphiQL stays as it was last built."
    return "GraphiQL will be loaded from a CDN; with npm (Node.js 18 or later) the gateway serves its own copy."


@contextmanager
def _only_build(directory: Path) -> Iterator[None]:
    """Hold a lock on the folder: two gateways that build at the same time would overwrite each other's files."""
    assets = directory / "assets"
    assets.mkdir(exist_ok=True)
    with (assets / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build the assets. Returns exit status 0 in any case: without them, the gateway uses the CDN and says so."""
    if is_current(HERE):
        print("GraphiQL is built.")
    else:
        ensure_built()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
