# Short names for what CONTRIBUTING.md describes. `.ci/run` is what decides.
.PHONY: test lint format catalogs recorded docs emulator contract bench soak ci

test:  ## the whole test suite, offline
	pytest

lint:  ## what CI checks besides the tests
	ruff check . && ruff format --check . && mypy

format:
	ruff check --fix . && ruff format .

recorded:  ## bundled responses from tools/facts
	python tools/compose_recorded.py

catalogs:  ## the samples that tests ask, from the bundled responses
	fetch-catalog all --recorded --output tests/fixtures/catalogs

docs:  ## generated pages
	python -m schemas.docs

emulator:  ## the three APIs on loopback
	python -m tests.emulator --port 8700

contract:  ## our catalogs through real SkyPilot clients, every row and 20,000 random questions; about 10 minutes
	python -m tests.contract

bench:  ## what importing, asking, estimating and publishing cost; on an idle machine
	python -m benchmarks.reader
	python -m benchmarks.estimate
	python -m benchmarks.publishing

soak:  ## 200 publishers killed, 50 rounds of 8 at once and every fault, in a folder and in S3; about 15 minutes
	python -m tests.publisher.killed --times 200
	python -m tests.publisher.killed --times 200 --s3
	GPU_CATALOG_SOAK=1 GPU_CATALOG_RACE_ROUNDS=50 pytest tests/publisher/test_faults.py tests/publisher/test_race.py

ci:
	.ci/run
