#!/usr/bin/env bash
# The client API over a real process: every refusal of bad input changes nothing, and what is right works.
set -u
# shellcheck source=tests/process/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin_test api
start_cluster 1
base=$(node_url 1)
raft=$(node_raft_url 1)

last_index() { node_status 1 .lastLogIndex; }
# refused WHAT STATUS METHOD PATH [BODY [CURL-OPTION...]]
refused() {
  local what=$1 status=$2 method=$3 path=$4
  shift 4
  http "$method" "$base$path" "$@"
  expect_error "$what" "$status"
}

note "- bodies that are not what /set takes"
start_index=$(last_index)
refused "no body" 400 PUT /set ''
refused "not JSON" 400 PUT /set 'luffy'
refused "half an object" 400 PUT /set '{"key":"a","value":"b"'
refused "trailing bytes" 400 PUT /set '{"key":"a","value":"b"} x'
refused "two objects" 400 PUT /set '{"key":"a","value":"b"}{}'
refused "a comment" 400 PUT /set '{"key":"a",/* */"value":"b"}'
refused "single quotes" 400 PUT /set "{'key':'a','value':'b'}"
refused "a trailing comma" 400 PUT /set '{"key":"a","value":"b",}'
refused "an array" 400 PUT /set '["key","a"]'
refused "a string" 400 PUT /set '"key"'
refused "null" 400 PUT /set 'null'
refused "a repeated key" 400 PUT /set '{"key":"a","key":"b","value":"c"}'
refused "a repeated value" 400 PUT /set '{"key":"a","value":"b","value":"c"}'
refused "a repeated unknown member" 400 PUT /set '{"key":"a","value":"b","x":1,"x":2}'
refused "no key" 400 PUT /set '{"value":"b"}'
refused "the empty key" 400 PUT /set '{"key":"","value":"b"}'
refused "a number as key" 400 PUT /set '{"key":1,"value":"b"}'
refused "null as key" 400 PUT /set '{"key":null,"value":"b"}'
refused "no value" 400 PUT /set '{"key":"a"}'
refused "a number as value" 400 PUT /set '{"key":"a","value":1}'
refused "an object as value" 400 PUT /set '{"key":"a","value":{}}'
refused "false as value" 400 PUT /set '{"key":"a","value":false}'
refused "half a surrogate pair" 400 PUT /set '{"key":"a","value":"\ud83d"}'
refused "a bad escape" 400 PUT /set '{"key":"a","value":"\x"}'
refused "a raw line break in a string" 400 PUT /set $'{"key":"a","value":"b\nc"}'
refused "invalid UTF-8 in the value" 400 PUT /set $'{"key":"a","value":"\xff"}'
refused "invalid UTF-8 in the key" 400 PUT /set $'{"key":"\xc0\xaf","value":"b"}'
refused "UTF-8 of half a surrogate pair" 400 PUT /set $'{"key":"a","value":"\xed\xa0\x80"}'
refused "a key of 1025 bytes" 400 PUT /set "{\"key\":\"$(repeated k 1025)\",\"value\":\"b\"}"
refused "a key of 513 letters, 1026 bytes" 400 PUT /set "{\"key\":\"$(repeated x 513 | sed 's/x/é/g')\",\"value\":\"b\"}"

note "- deep and long ones"
repeated '[' 200000 >"$scratch/deep"
refused "200000 open brackets" 400 PUT /set "@$scratch/deep"
{ printf '{"key":"a","value":"b","x":' && repeated '[' 5000 && repeated ']' 5000 && printf '}'; } >"$scratch/deep"
refused "5000 nested arrays in an unknown member" 400 PUT /set "@$scratch/deep"
{ printf '{"key":"a","value":"' && repeated v $((1024 * 1024 + 1)) && printf '"}'; } >"$scratch/large"
refused "a value of 1 MiB and a byte" 413 PUT /set "@$scratch/large"
# body_of BYTES BODY: the body, followed by white space up to so many bytes
body_of() { printf '%s' "$2" && repeated ' ' $(($1 - ${#2})); }
body_of $((8 * 1024 * 1024 + 1)) '{"key":"a","value":"b"}' >"$scratch/large"
refused "a body of 8 MiB and a byte" 413 PUT /set "@$scratch/large"

note "- encodings of the body"
refused "a chunked body" 411 PUT /set '{"key":"a","value":"b"}' -H 'Transfer-Encoding: chunked'
refused "a compressed body" 415 PUT /set '{"key":"a","value":"b"}' -H 'Content-Encoding: gzip'

note "- queries"
refused "no query" 400 GET /get
refused "no key in the query" 400 GET '/get?name=a'
refused "an empty key in the query" 400 GET '/get?key='
refused "a repeated key in the query" 400 GET '/get?key=a&key=b'
refused "a broken percent escape" 400 GET '/get?key=%zz'
refused "half a percent escape" 400 GET '/get?key=%4'
refused "invalid UTF-8 in the query" 400 GET '/get?key=%ff'
refused "an overlong escape" 400 GET '/get?key=%c0%af'
refused "a long key in the query" 400 GET "/get?key=$(repeated k 1025)"
refused "an unknown consistency" 400 GET '/get?key=a&consistency=eventual'
refused "an empty consistency" 400 GET '/get?key=a&consistency='
refused "a delete without a key" 400 DELETE /delete
refused "a delete of the empty key" 400 DELETE '/delete?key='
refused "a delete of a repeated key" 400 DELETE '/delete?key=a&key=b'
refused "a delete with a broken escape" 400 DELETE '/delete?key=%'

# A query that is not understood is refused wherever it stands.
good='{"key":"a","value":"b"}'
refused "a broken escape in the query of /set" 400 PUT '/set?x=%zz' "$good"
refused "invalid UTF-8 in the query of /set" 400 PUT '/set?x=%ff' "$good"
refused "a broken escape in the query of /delete" 400 DELETE '/delete?key=a&%zz'
refused "a broken escape in the query of /health" 400 GET '/health?%zz'
refused "invalid UTF-8 in the query of /health" 400 GET '/health?x=%c3'
expect_equal "its word" "$(field error)" bad_query

note "- paths and methods"
for path in / /sets /set/ /SET /get/a /health/x /raft/status /raft/appendentries /raft/requestvote \
  /raft/installsnapshot /raft/timeoutnow /../set; do
  refused "the path $path" 404 GET "$path" '' --path-as-is
done
for pair in POST:/set GET:/set DELETE:/set PUT:/get POST:/get GET:/delete PUT:/delete POST:/health DELETE:/health BREW:/set \
  MKCOL:/get; do
  refused "${pair/:/ }" 405 "${pair%%:*}" "${pair#*:}"
  [ -n "$(header Allow)" ] || fail "$pair: 405 without Allow"
done
for path in /set /get?key=a /delete?key=a /health; do
  http GET "$raft$path"
  expect_status "the client path $path on the Raft port" 404
done
expect_equal "what all these refusals left in the log" "$(last_index)" "$start_index"
expect_equal "a refused key" "$(kv_get 1 a && echo "$HTTP_STATUS")" 404

note "- numbers that break parsers, in members that nobody reads"
for number in 1e99999 -1e-99999 "$(repeated 9 5000)" "0.$(repeated 1 5000)" "1e-$(repeated 9 30)" 1E400; do
  http PUT "$base/set" "{\"key\":\"number\",\"value\":\"v\",\"x\":$number}"
  case "$HTTP_STATUS" in
    200 | 400) passed ;;
    *) fail "the number ${number:0:20}: answered $HTTP_STATUS $HTTP_BODY" ;;
  esac
done
expect_equal "the server afterwards" "$(kv_put 1 still there && echo "$HTTP_STATUS")" 200

note "- what is right"
# stored KEY-IN-JSON VALUE-IN-JSON KEY-IN-QUERY: comes back as it was sent
stored() {
  http PUT "$base/set" "{\"key\":$1,\"value\":$2}"
  expect_status "storing $1" 200
  expect_equal "the answer to storing $1" "$(jq -cS . <<<"$HTTP_BODY")" "$(jq -ncS "{ok:true,message:\"stored\",key:$1}")"
  [[ "$(header X-Raft-Index)" =~ ^[0-9]+$ ]] || fail "no X-Raft-Index"
  [[ "$(header X-Raft-Term)" =~ ^[0-9]+$ ]] || fail "no X-Raft-Term"
  http GET "$base/get?key=$3"
  expect_status "reading $1" 200
  expect_equal "what was read of $1" "$(jq -cS . <<<"$HTTP_BODY")" "$(jq -ncS "{ok:true,key:$1,value:$2}")"
  http GET "$base/get?key=$3&consistency=linearizable"
  expect_status "reading $1 linearizably" 200
  [[ "$(header X-Raft-Index)" =~ ^[0-9]+$ ]] || fail "no X-Raft-Index on a read"
}
stored '"name"' '"luffy"' name
stored '"empty"' '""' empty
stored '"a/b"' '"slash"' a/b
stored '"100%"' '"percent"' 100%25
stored '"two words"' '"plus"' two+words
stored '"two+words"' '"escaped plus"' two%2Bwords
stored '"a=b"' '"the first = splits"' a=b
stored '"a&b"' '"ampersand"' a%26b
stored '"héllo"' '"wörld"' 'h%C3%A9llo'
stored '"\ud83d\ude00"' '"\ud83d\ude80 \u0001\u001f\"\\"' '%F0%9F%98%80'
stored '"nul\u0000key"' '"nul\u0000value"' 'nul%00key'
stored "\"$(repeated k 1024)\"" '"a key of 1024 bytes"' "$(repeated k 1024)"
http PUT "$base/set" '{"x":[{"y":null}],"value":"v","key":"unknown members","z":1.5}'
expect_status "unknown members" 200
http PUT "$base/set" $' \t\r\n{"key":"white space","value":"v"}\n'
expect_status "white space around the body" 200
http PUT "$base/set" '{"key":"form","value":"v"}' -H 'Content-Type: application/x-www-form-urlencoded'
expect_status "what curl -d sends" 200
body_of $((8 * 1024 * 1024)) '{"key":"long body","value":"v"}' >"$scratch/large"
http PUT "$base/set" "@$scratch/large"
expect_status "a body of 8 MiB" 200
{ printf '{"key":"large","value":"' && repeated v $((1024 * 1024)) && printf '"}'; } >"$scratch/large"
http PUT "$base/set" "@$scratch/large"
expect_status "a value of 1 MiB" 200
kv_get 1 large
expect_equal "its length" "$(field value | tr -d '\n' | wc -c)" $((1024 * 1024))

http GET "$base/get?key=absent"
expect_status "an absent key" 404
expect_equal "its body" "$(jq -cS . <<<"$HTTP_BODY")" '{"message":"key not found","ok":false}'
http DELETE "$base/delete?key=two+words"
expect_status "a delete" 200
expect_equal "its body" "$(jq -cS . <<<"$HTTP_BODY")" '{"key":"two words","message":"deleted","ok":true}'
http DELETE "$base/delete?key=absent"
expect_status "deleting an absent key" 200

http GET "$base/health"
expect_status "health" 200
expect_equal "its members" "$(jq -c keys <<<"$HTTP_BODY")" \
  '["commitIndex","lastApplied","leader","leaderId","nodeId","ok","state","term"]'
http GET "$raft/raft/status"
for member in nodeId state term leaderId votedFor commitIndex lastApplied logLen lastLogIndex lastLogTerm logBaseIndex \
  logBaseTerm snapshotIndex snapshotsInstalled peers nextIndex matchIndex; do
  jq -e --arg name "$member" 'has($name)' >/dev/null <<<"$HTTP_BODY" || fail "/raft/status has no $member: $HTTP_BODY"
  passed
done
expect_equal "logLen" "$(field logLen)" $(($(field lastLogIndex) - $(jq .logBaseIndex <<<"$HTTP_BODY")))
end_test
