# Compares docs/errors.md with libraft. Files, in this order: error.hpp, error.cpp, errors.md.
#
# Each errc and each condition stands exactly once in the first column of a table whose head says `errc` or `condition`,
# and where such a table has a column "conditions", it names the conditions that the code gives.

function complain(text) {
  print text
  failed = 1
}

FNR == 1 { ++file }

# error.hpp: the names.
file == 1 && /^enum class [a-z]+ \{$/ { enumeration = $3 }
file == 1 && /^};/ { enumeration = "" }
file == 1 && enumeration != "" && /^  [a-z_]+ = [0-9]+,/ { in_code[enumeration, $1] = 1 }

# error.cpp: which errc has which condition.
file == 2 && /^bool is_retry_safe\(/ { condition = "retry_safe" }
file == 2 && /^bool is_unknown_outcome\(/ { condition = "outcome_unknown" }
file == 2 && /equivalent\(/ { is_inside = 1 }
file == 2 && is_inside && /case condition::(redirect|node_failed):/ { condition = $2; gsub(/condition::|:/, "", condition) }
file == 2 && condition != "" {
  rest = $0
  while (match(rest, /errc::[a-z_]+/)) {
    has[substr(rest, RSTART + 6, RLENGTH - 6), condition] = 1
    rest = substr(rest, RSTART + RLENGTH)
  }
}
file == 2 && (/^}/ || (is_inside && /return/)) { condition = "" }

# errors.md: tables.
file == 3 && !/^\|/ { table = "" }
file == 3 && /^\|/ {
  columns = split($0, cell, "|") - 1
  if (table == "") {
    table = cell[2]
    gsub(/ /, "", table)
    has_conditions = cell[columns] ~ /conditions/
    next
  }
  if (cell[2] ~ /---/) next
  count = split(cell[2], part, "`")
  for (i = 2; i <= count; i += 2) {
    name = part[i]
    if (!((table, name) in in_code)) complain("docs/errors.md:" FNR ": there is no " table "::" name)
    if (++listed[table, name] > 1) complain("docs/errors.md:" FNR ": " table "::" name " stands there twice")
    if (!has_conditions) continue
    for (key in in_code) {
      split(key, of, SUBSEP)
      if (of[1] != "condition") continue
      if (((name, of[2]) in has) != (index(cell[columns], "`" of[2] "`") > 0))
        complain("docs/errors.md:" FNR ": whether errc::" name " is condition::" of[2] " differs from the code")
      if (((name, of[2]) in has) && name != "") ++compared
    }
    checked[name] = 1
  }
}

END {
  for (key in in_code) {
    split(key, of, SUBSEP)
    if (!(key in listed)) complain("docs/errors.md: does not list " of[1] "::" of[2])
    ++names
  }
  # What has a condition belongs into a table that tells of it.
  for (key in has) {
    split(key, of, SUBSEP)
    if (!(of[1] in checked)) complain("docs/errors.md: does not say that errc::" of[1] " is condition::" of[2])
  }
  if (names < 20 || compared < 10) complain("error.hpp and error.cpp are not understood: " names + 0 " names, " compared + 0 " conditions")
  if (!failed) print names " names, " compared " conditions"
  exit failed
}
