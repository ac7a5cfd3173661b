#!/usr/bin/env bash
# Install this checkout with `[fetch]`: every package is one of requirements.txt, a wheel with a hash of that file.
#
# The project itself comes last, alone, and downloads nothing, not even what builds it.
set -euo pipefail

cd "$(dirname "$0")/../.."
pip install --require-hashes --only-binary :all: --requirement .github/nightly/requirements.txt
pip install --no-index --no-deps --no-build-isolation .
