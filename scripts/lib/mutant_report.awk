# What a Catch2 XML report says, as one line: kind, test, rule and seed, separated by tabs; "-" where there is none.
# kind: passed; failed (an expectation did not hold); rule (a checker or an assertion of the product named what was
# broken); crashed (any other exception, or a signal).
/<TestCase / {
  test = $0
  sub(/.*<TestCase name="/, "", test)
  sub(/" (tags|filename)=.*/, "", test)
  ++tests
}
/<Info>/ { in_info = 1 }
in_info && /seed := [0-9]+/ { seed = $0; sub(/.*seed := /, "", seed); sub(/[^0-9].*/, "", seed) }
/<\/Info>/ { in_info = 0 }
/<(Expression|Failure)[ >]/ && !/success="true"/ && kind == "" { kind = "failed"; failed_test = test }
/<FatalErrorCondition/ { kind = "crashed"; failed_test = test; is_final = 1 }
/<\/Exception>/ { in_exception = 0 }
# An expectation that failed inside of another one: the outer one never ended.
in_exception && /Exception translation was disabled by CATCH_CONFIG_FAST_COMPILE/ && before == "failed" {
  kind = before
  in_exception = 0
}
in_exception && rule == "" && NF > 0 {
  rule = $0
  gsub(/^[ \t]+|[ \t]+$/, "", rule)
}
/<Exception/ { in_exception = 1; failed_test = test; before = kind; if (!is_final) kind = "exception" }
END {
  gsub(/&lt;/, "<", rule); gsub(/&gt;/, ">", rule); gsub(/&quot;/, "\"", rule); gsub(/&amp;/, "\\&", rule)
  gsub(/&lt;/, "<", failed_test); gsub(/&gt;/, ">", failed_test); gsub(/&amp;/, "\\&", failed_test)
  if (kind == "exception") {
    if (rule ~ /^violated: /) {
      kind = "rule"
      sub(/^violated: /, "", rule)
    } else if (rule ~ / \(.*, [^ ]*\.(cpp|hpp):[0-9]+\)$/) {
      kind = "rule"
      sub(/ \([^§].*, [^ ]*\.(cpp|hpp):[0-9]+\)$/, "", rule)
    } else {
      kind = "crashed"
    }
  }
  if (kind == "") kind = tests > 0 ? "passed" : "none"
  printf "%s\t%s\t%s\t%s\n", kind, failed_test == "" ? "-" : failed_test, rule == "" ? "-" : rule, seed == "" ? "-" : seed
}
