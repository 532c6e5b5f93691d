# shellcheck shell=bash disable=SC2034,SC2154,SC2120,SC2119  # variables are shared with those who source this
# Requests by curl, answers by jq. To be sourced after common.sh.

HTTP_STATUS=000
HTTP_BODY=
HTTP_HEADERS=

# http METHOD URL [BODY [CURL-OPTION...]]: sets HTTP_STATUS (000 without an answer), HTTP_BODY and HTTP_HEADERS.
http() {
  local method=$1 url=$2 answer
  local options=(-sS --noproxy '*' -D - -m "${HTTP_TIMEOUT:-8}" -X "$method")
  shift 2
  if [ $# -gt 0 ]; then
    [ -z "$1" ] || options+=(-H 'Content-Type: application/json' --data-binary "$1")
    shift
  fi
  answer=$(curl "${options[@]}" "$@" "$url" -w $'\n%{http_code}' 2>/dev/null | tr -d '\r')
  HTTP_STATUS=${answer##*$'\n'}
  answer=${answer%$'\n'*}
  # An interim answer (100 Continue) comes first and has headers of its own.
  while [[ "$answer" == 'HTTP/1.1 100'* ]]; do
    answer=${answer#*$'\n\n'}
  done
  HTTP_HEADERS=${answer%%$'\n\n'*}
  HTTP_BODY=
  [[ "$answer" != *$'\n\n'* ]] || HTTP_BODY=${answer#*$'\n\n'}
}

# field NAME: a member of the last body; empty when it is not there.
field() { jq -r --arg name "$1" '.[$name] // empty' <<<"$HTTP_BODY" 2>/dev/null; }

# header NAME: of the last answer.
header() {
  awk -v name="$1" 'BEGIN { name = tolower(name) ":" }
    tolower(substr($0, 1, length(name))) == name { sub(/^[^:]*: */, ""); print; exit }' <<<"$HTTP_HEADERS"
}

# port_is_taken ADDRESS PORT: somebody listens there.
port_is_taken() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
