# Short names for what CONTRIBUTING.md describes. `.ci/run` is what decides.
.PHONY: test coverage lint format catalogs recorded docs emulator contract bench soak trust fuzz mutants guide pins ci

test:  ## the whole test suite, offline
	pytest

coverage:  ## the tests again, twice as slow, with branch coverage; below 92 % fails
	pytest --cov

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

bench:  ## side by side with SkyPilot and gpuhunt; needs .[bench], an idle Linux machine and about 15 minutes
	python -m benchmarks

trust:  ## every fault, corruption, replayed failure and 30 nights into docs/trust.md; about 5 minutes
	python -m tests.trust

fuzz:  ## every parser of foreign bytes, 5 minutes each; about 100 minutes
	python -m tests.fuzz --minutes 5 --jobs 2

mutants:  ## would the tests notice 500 small defects in the pure modules; about 40 minutes
	python -m tests.mutation

guide:  ## docs/adding-a-cloud.md, command by command in a fresh environment; two minutes
	python -m tests.guide

pins:  ## what the nightly installs, newest releases older than a week; needs uv
	.github/nightly/pin.sh --upgrade

soak:  ## 500 nights; 200 publishers killed, 50 rounds of 8 at once and every fault, in a folder and in S3; about 40 minutes
	python -m tests.trust.soak --nights 500
	python -m tests.trust.soak --nights 50 --s3
	python -m tests.publisher.killed --times 200
	python -m tests.publisher.killed --times 200 --s3
	GPU_CATALOG_SOAK=1 GPU_CATALOG_RACE_ROUNDS=50 pytest tests/publisher/test_faults.py tests/publisher/test_race.py

ci:
	.ci/run
