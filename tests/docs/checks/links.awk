# Reads Markdown files and prints what they point at:
#   anchor FILE NAME           a place in FILE that can be linked to, named as GitHub names it
#   link FILE LINE TARGET      a link to something in the project
#   path FILE LINE TARGET      a path of the project in the text
# Blocks of code are skipped, and so are examples of names (`tests/unit/a/b_test.cpp`). In .hpp files only paths of documents are looked for.

FNR == 1 { fence = "" }

FILENAME ~ /\.hpp$/ {
  if ($0 ~ /^ *\/\//) report_documents($0)
  next
}

# A fence ends with the character that it began with. Indented code is code too, but for what lists indent.
/^ *(```|~~~)/ {
  match($0, /[`~]/)
  mark = substr($0, RSTART, 1)
  if (fence == "") fence = mark
  else if (fence == mark) fence = ""
  next
}
fence != "" { next }
/^    / && !is_list { next }

{ is_list = $0 ~ /^ *([-*+]|[0-9]+\.) / || (is_list && $0 ~ /^ /) }

/^#+ / { report_anchor($0) }

{
  text = without_code($0)
  report_links(text)
  report_documents(text)
}

# The line without its `code`; paths of the project in it are reported.
function without_code(line,   text, code) {
  text = ""
  while (match(line, /`[^`]+`/)) {
    code = substr(line, RSTART + 1, RLENGTH - 2)
    if (code ~ /^(docs|tests|scripts|libraft|examples|cmake|src)\/[A-Za-z0-9_.\/-]+$/ && code !~ /\/a\/b/) print "path", FILENAME, FNR, code
    text = text substr(line, 1, RSTART - 1) "``"
    line = substr(line, RSTART + RLENGTH)
  }
  return text line
}

# [text](target), also for pictures, and [name]: target
function report_links(line,   target) {
  if (match(line, /^ *\[[^]]+\]: +/)) print_link(substr(line, RSTART + RLENGTH))
  while (match(line, /\]\([^()]*\)/)) {
    target = substr(line, RSTART + 2, RLENGTH - 3)
    line = substr(line, RSTART + RLENGTH)
    print_link(target)
  }
}

function print_link(target) {
  sub(/ +".*"$/, "", target)
  gsub(/[<>]/, "", target)
  if (target !~ /^[a-z]+:/) print "link", FILENAME, FNR, (target == "" ? "(nothing)" : target)
}

# docs/name.md in running text and in comments
function report_documents(line) {
  while (match(line, /(^|[^A-Za-z0-9_.\/(-])docs\/[A-Za-z0-9_\/-]+\.md/)) {
    print "path", FILENAME, FNR, substr(line, index(substr(line, RSTART), "docs/") + RSTART - 1, RLENGTH - (substr(line, RSTART, 1) != "d"))
    line = substr(line, RSTART + RLENGTH)
  }
}

# "## Requests, replies and `exchange`" -> requests-replies-and-exchange; the second of the same name gets -1
function report_anchor(heading,   name) {
  sub(/^#+ +/, "", heading)
  gsub(/\]\([^()]*\)/, "", heading)
  name = tolower(heading)
  gsub(/[^a-z0-9 _-]/, "", name)
  gsub(/ /, "-", name)
  print "anchor", FILENAME, name (seen[FILENAME, name]++ ? "-" (seen[FILENAME, name] - 1) : "")
}
