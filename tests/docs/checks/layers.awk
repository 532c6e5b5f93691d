# Compares the table of docs/architecture.md with the rules of tests/house/dependency_rule.awk. Files in this order:
# dependency_rule.awk, architecture.md. `folders` has the folders of libraft/src, each in blanks.

function complain(text) {
  print "docs/architecture.md: " text
  failed = 1
}

FNR == 1 { ++file }

file == 1 && /^  allow\("src:/ {
  split($0, part, "\"")
  layer = substr(part[2], 5)
  if (!index(folders, " " layer " ")) next
  count = split(part[4], groups, " ")
  for (i = 1; i <= count; ++i) if (groups[i] != part[2]) rule[layer, groups[i]] = 1
  has_rule[layer] = 1
}

file == 2 && /^\| `src\/[a-z]+` \|/ {
  split($0, cell, "|")
  layer = cell[2]
  gsub(/[ `]|src\//, "", layer)
  text = cell[3] "," cell[4] "," cell[5]
  gsub(/[ `]/, "", text)
  gsub(/src\//, "src:", text)
  count = split(text, groups, ",")
  for (i = 1; i <= count; ++i) if (groups[i] != "") table[layer, groups[i]] = 1
  has_row[layer] = 1
}

END {
  for (layer in has_rule) {
    if (!(layer in has_row)) complain("has no row for src/" layer)
    ++rows
  }
  for (layer in has_row) if (!(layer in has_rule)) complain("src/" layer " has a row and no rule")
  for (key in rule) {
    split(key, of, SUBSEP)
    if ((of[1] in has_row) && !(key in table)) complain("src/" of[1] " may also use " of[2])
  }
  for (key in table) {
    split(key, of, SUBSEP)
    if ((of[1] in has_rule) && !(key in rule)) complain("src/" of[1] " may not use " of[2])
  }
  if (rows < 5) complain("the rules are not understood")
  if (!failed) print rows " layers"
  exit failed
}
