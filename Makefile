PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
# Tests run side by side in this many processes; `make test PROCESSES=0` runs them in one.
PROCESSES ?= auto
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo demo-retail demo-fraud test check bench peers kcl airflow conform shapes docs clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[all]" --group test --group check --group example --group bench
	@touch $@

demo: demo-retail demo-fraud

demo-retail: setup
	$(BIN)/python -m examples.retail.demo

demo-fraud: setup
	$(BIN)/python -m examples.fraud.demo

test: setup
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --maxprocesses 4

conform: setup
	$(BIN)/python -m pytest tests/conformance

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench

peers: setup
	$(BIN)/python -m bench.peers

# The Java Kinesis Client Library and its Python front, for tests/scenarios/test_kcl.py.
kcl: setup
	mvn --quiet --batch-mode -Dstyle.color=never --file tests/scenarios/kcl/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/build/kcl/jars
	$(BIN)/python -m pip download --quiet --no-deps --dest build/kcl amazon_kclpy==3.2.0
	mkdir -p build/kcl/python
	tar --extract --file build/kcl/amazon_kclpy-3.2.0.tar.gz --directory build/kcl/python --strip-components 1 amazon_kclpy-3.2.0/amazon_kclpy

# Apache Airflow with its Amazon provider, for tests/scenarios/test_airflow.py.
AIRFLOW_PINS := tests/scenarios/airflow/constraints.txt
airflow: build/airflow/.installed

build/airflow/.installed: $(AIRFLOW_PINS)
	$(PYTHON) -m venv build/airflow
	build/airflow/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(AIRFLOW_PINS) apache-airflow apache-airflow-providers-amazon
	@touch $@

shapes: setup
	$(BIN)/python tools/generate_shapes.py

docs: setup
	$(BIN)/python tools/generate_reference.py

clean:
	rm -rf $(VENV) .millpond build
