#!/bin/sh
# Locks the requirements with hashes, for every supported Python and platform: run.txt, dev.txt, docs.txt, and those of
# the image and of its tests.
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

# What serving needs, with the versions that the tests ran with: the image has no engines and no tools that build, but
# traces where it is told to, and shows itself in a terminal.
image() {
    uv pip compile --universal --python-version 3.11 --generate-hashes --constraint requirements/dev.txt \
        --override requirements/overrides.in --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
        --quiet "$@"
}
image pyproject.toml --extra top --extra tracing --output-file requirements/serve.txt
image requirements/build.in --output-file requirements/build.txt
image requirements/sample.in --output-file requirements/sample.txt

# The site of the documentation, and the programs that read what is in deploy/, in environments of their own.
separate() {
    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --no-annotate --no-header --quiet "$@"
}
separate requirements/docs.in --output-file requirements/docs.txt
separate requirements/deploy.in --output-file requirements/deploy.txt
separate requirements/compose.in --no-deps --output-file requirements/compose.txt
