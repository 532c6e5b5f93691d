#!/usr/bin/env bash
# layers.sh ROOT: the table of what may include what in docs/architecture.md says what the dependency rule does.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:?the root of the project}"
folders=" "
for folder in libraft/src/*/; do folders+="$(basename "$folder") "; done
awk -v folders="$folders" -f "$here/layers.awk" tests/house/dependency_rule.awk docs/architecture.md
