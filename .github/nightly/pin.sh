#!/usr/bin/env bash
# Write requirements.txt: what the nightly and the watchdog install, each with the hashes of its wheels. Needs uv.
#
# Without options what is pinned stays where pyproject.toml allows it; `pin.sh --upgrade` takes the newest releases.
# None is younger than a week: most releases that somebody slipped in are found and withdrawn before that.
set -euo pipefail

cd "$(dirname "$0")/../.."
# setuptools builds the project itself, without an environment of its own for that.
echo 'setuptools>=77' | uv pip compile pyproject.toml - --extra fetch \
    --python-version 3.12 --python-platform x86_64-manylinux_2_28 --only-binary :all: \
    --generate-hashes --exclude-newer '7 days' --custom-compile-command .github/nightly/pin.sh \
    --quiet --output-file .github/nightly/requirements.txt "$@"
