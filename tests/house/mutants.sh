#!/usr/bin/env bash
# mutants.sh ROOT: every patch of tests/mutants has its header and still applies.
set -euo pipefail
cd "${1:?the root of the project}"
exec bash scripts/mutants.sh --check all
