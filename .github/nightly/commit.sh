#!/usr/bin/env bash
# Bring the latest publication of a store into git: commit.sh PLACE FOLDER, in a checkout of the branch to push to.
#
# Commits only when a price, an instance type or a region changed, which is then the message: times and stock change
# every night. Reads GITHUB_REF_NAME (the branch), GITHUB_RUN_ID (for the message) and GH_TOKEN (for an https remote).
set -euo pipefail

readonly place=$1 folder=$2 branch=$GITHUB_REF_NAME

export GIT_AUTHOR_NAME='github-actions[bot]'
export GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

# A helper that reads the token from the environment: so it is in no file and no process list.
# shellcheck disable=SC2016  # It is the helper's shell that is to expand it.
readonly helper='!say() { test "$1" = get && printf "username=x-access-token\npassword=%s\n" "$GH_TOKEN"; }; say'
remote_git() { git -c credential.helper= -c credential.helper="$helper" "$@"; }

for pause in 1 3 10 30 0; do
    publish-catalog export "$place" "$folder"
    if summary=$(publish-catalog diff "HEAD:$folder" "$folder" --summary --exit-code); then
        echo "nothing to commit: $summary"
        exit
    fi
    test -n "$summary"  # Else diff could not read one of the two, and has said why.
    git add --all -- "$folder"
    git commit --quiet --message "Catalogs: $summary" --message "By nightly run ${GITHUB_RUN_ID:-on a machine}."
    if remote_git push --quiet origin "HEAD:refs/heads/$branch"; then
        echo "committed: $summary"
        exit
    fi
    # Somebody was faster. What is exported is generated as a whole: merging it line by line could mix two
    # publications. So the same is done again, on top of theirs.
    sleep "$pause"
    remote_git fetch --quiet origin "refs/heads/$branch"
    git reset --quiet --hard FETCH_HEAD
done
echo "Error: $branch keeps refusing the push; see above, then run the workflow again" >&2
exit 1
