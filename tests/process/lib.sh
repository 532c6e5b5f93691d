# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared with those who source this
# What the process tests share. The program under test comes by the variable KVSERVER. To be sourced.
set -u
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/http.sh
. "$project_root/scripts/lib/http.sh"
# shellcheck source=scripts/lib/nodes.sh
. "$project_root/scripts/lib/nodes.sh"
# shellcheck source=scripts/lib/build.sh
. "$project_root/scripts/lib/build.sh"

begin_test() { # NAME
  need_programs curl jq awk
  ensure_kvserver
  catch_exit
  make_scratch "test-$1"
}

checks=0
passed() { checks=$((checks + 1)); }

# expect_equal WHAT FOUND WANTED
expect_equal() {
  [ "$2" = "$3" ] || fail "$1: found '$2', wanted '$3'"
  passed
}

# expect_contains WHAT TEXT PART
expect_contains() {
  [[ "$2" == *"$3"* ]] || fail "$1: there is no '$3' in '$2'"
  passed
}

# expect_status WHAT WANTED: of the last http request.
expect_status() {
  [ "$HTTP_STATUS" = "$2" ] || fail "$1: answered $HTTP_STATUS, wanted $2: $HTTP_BODY"
  passed
}

# expect_error WHAT STATUS: the form that every error has.
expect_error() {
  expect_status "$1" "$2"
  expect_contains "$1: content type" "$(header Content-Type)" application/json
  jq -e '(keys == ["error", "message", "ok"]) and .ok == false and
    (.error | test("^[a-z_]+$")) and (.message | length > 0)' >/dev/null 2>&1 <<<"$HTTP_BODY" ||
    fail "$1: not the form of an error: $HTTP_BODY"
  passed
}

# repeated CHARACTER COUNT
repeated() { head -c "$2" /dev/zero | tr '\0' "$1"; }

end_test() {
  [ "$checks" -gt 0 ] || fail "nothing was checked"
  note "PASS: $checks checks"
}
