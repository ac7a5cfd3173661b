#!/usr/bin/env bash
# Keep at most one open issue about what needs someone's eye: issue.sh LABEL TITLE FILE.
#
# There is trouble when FILE has text in it, or when the job did not go well so far (JOB_STATUS). Then the issue with
# the LABEL is opened, or gets a comment if it is open already; without trouble it is closed.
# Reads also GH_TOKEN and GH_REPO (for gh), GITHUB_RUN_ID, and FETCH_EXIT_CODE where there was a fetch.
set -euo pipefail

readonly label=$1 title=$2 file=$3
readonly run="${GITHUB_SERVER_URL:-https://github.com}/$GH_REPO/actions/runs/$GITHUB_RUN_ID"

number=$(gh issue list --label "$label" --state open --limit 1 --json number --jq '.[].number')

if [ "$JOB_STATUS" = success ] && [ ! -s "$file" ]; then
    if [ -n "$number" ]; then gh issue close "$number" --comment "All is well again: $run"; fi
    exit
fi

body() {
    echo "The job is at \`$JOB_STATUS\`${FETCH_EXIT_CODE:+, fetch-catalog ended with $FETCH_EXIT_CODE}: $run"
    if [ -s "$file" ]; then
        # As code, and without what would end it: these are also words of others, which must not mention anybody.
        printf '\n~~~text\n%s\n~~~\n' "$(head -c 20000 "$file" | tr '~' '-')"
    fi
}

if [ -n "$number" ]; then
    body | gh issue comment "$number" --body-file -
else
    gh label create "$label" --force --description "Kept by the workflow of this name"
    body | gh issue create --label "$label" --title "$title" --body-file -
fi
