# Short names for what CONTRIBUTING.md describes. `.ci/run` is what decides.
.PHONY: test lint format catalogs recorded docs emulator contract bench ci

test:  ## the whole test suite, offline
	pytest

lint:  ## what CI checks besides the tests
	ruff check . && ruff format --check . && mypy

format:
	ruff check --fix . && ruff format .

recorded:  ## bundled responses from tools/facts
	python tools/compose_recorded.py

catalogs:  ## catalogs/ and tests/golden/ from the bundled responses
	fetch-catalog all --recorded --output catalogs
	python -m tests.golden

docs:  ## generated pages
	python -m schemas.docs

emulator:  ## the three APIs on loopback
	python -m tests.emulator --port 8700

contract:  ## our catalogs through real SkyPilot clients, every row and 20,000 random questions; about 10 minutes
	python -m tests.contract

bench:  ## what importing, asking and estimating cost; on an idle machine
	python -m benchmarks.reader
	python -m benchmarks.estimate

ci:
	.ci/run
