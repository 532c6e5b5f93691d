#!/usr/bin/env bash
# test_names.sh ROOT: no name of a test holds a character that CMake's lists trip over. A bracket or a semicolon makes
# one ctest test of several, which then finds nothing to run and passes.
set -euo pipefail
cd "${1:?the root of the project}"
if find tests -name '*.cpp' -print0 | xargs -0 grep -zoE 'TEST_CASE(_METHOD)?\([^"]*"[^"]*[];[][^"]*"' | tr '\0' '\n' | grep .; then
  echo "the lines above name tests with a bracket or a semicolon"
  exit 1
fi
