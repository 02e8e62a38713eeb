#!/bin/sh
# Locks requirements/run.txt, dev.txt and docs.txt with hashes, for every supported Python and platform.
# Needs uv on the PATH (pip install uv); run it after changing the dependencies in pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 --generate-hashes \
        --override requirements/overrides.in --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
        --quiet "$@"
}
lock --extra embedded --extra top --extra profiling --output-file requirements/run.txt
lock --extra embedded --extra top --extra profiling --extra tracing --extra dev --output-file requirements/dev.txt

# The site of the documentation, in an environment of its own.
uv pip compile requirements/docs.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --no-annotate --no-header --quiet --output-file requirements/docs.txt
