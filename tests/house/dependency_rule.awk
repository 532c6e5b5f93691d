# Reads #include lines and refuses those that point against the layers. Paths are relative to the project's root.
# Output: one line for each breach. Exit 1 when there was one.

# allow(layer, groups): what a file of the layer may include, beside the standard library.
function allow(layer, groups,   list, n, i) {
  n = split(groups, list, " ")
  for (i = 1; i <= n; ++i) allowed[layer, list[i]] = 1
  known_layer[layer] = 1
}

BEGIN {
  # Public headers.
  allow("header:data", "data interface")
  allow("header:interface", "data interface")
  allow("header:protocol", "data interface protocol")
  allow("header:codec", "data")
  allow("header:completion", "data")
  allow("header:detail", "data completion detail asio")
  allow("header:node", "data interface completion detail node asio")
  allow("header:storage", "data interface codec storage")
  allow("header:transport", "data interface codec transport")
  allow("header:tcp", "data interface codec transport asio")
  allow("header:testkit", "data interface protocol codec testkit")
  # Sources of the library.
  allow("src:data", "data interface src:data src:util")
  allow("src:util", "data src:util xxhash posix")
  allow("src:codec", "data codec src:codec src:util")
  allow("src:core", "data interface protocol src:core src:util")
  allow("src:node", "data interface protocol completion src:node src:core src:util fmt")
  allow("src:asio", "data interface protocol completion detail node asio src:asio src:node src:util fmt posix")
  allow("src:storage", "data interface codec storage src:storage src:util fmt posix")
  allow("src:transport", "data interface codec transport src:transport src:util fmt posix")
  allow("src:tcp", "data interface codec transport src:transport src:util fmt posix asio")
  allow("src:testkit", "data interface protocol codec completion testkit src:testkit src:node src:core src:codec src:util fmt")
  # What users write: everything public, nothing of the library's inside.
  allow("example", "data interface protocol codec node storage transport testkit own asio fmt xxhash posix other")

  split("bytes configuration entry error export message options result status types", names, " ")
  for (i in names) group_of_header[names[i]] = "data"
  split("transport storage file_system state_machine runtime components logger observer", names, " ")
  for (i in names) group_of_header[names[i]] = "interface"
  split("core event effects", names, " ")
  for (i in names) group_of_header[names[i]] = "protocol"
  group_of_header["codec"] = "codec"
  group_of_header["raft_node"] = group_of_header["libraft"] = "node"
  group_of_header["detail/completion"] = "completion"

  # Inside the core arrows go one way: from a higher level to the same or a lower one, and never in a circle.
  split("quorum term_runs inflight_window marks", names, " ")
  for (i in names) core_level[names[i]] = 1
  split("log progress vote_tally", names, " ")
  for (i in names) core_level[names[i]] = 2
  split("progress_tracker configuration_history", names, " ")
  for (i in names) core_level[names[i]] = 3
  split("state context", names, " ")
  for (i in names) core_level[names[i]] = 4
  split("role_transition timers", names, " ")
  for (i in names) core_level[names[i]] = 5
  core_level["core"] = 7  # and the handlers, by default, 6
}

# "error", "storage/memory_storage", ... -> the group that rules are written in
function header_group(name) {
  sub(/\.hpp$/, "", name)
  if (name in group_of_header) return group_of_header[name]
  if (match(name, /^(storage|transport|testkit|detail)\//)) return substr(name, 1, RLENGTH - 1)
  return "unknown"
}

function layer_of(path,   rest, group) {
  if (path ~ /^examples\//) return "example"
  if (path ~ /^libraft\/include\/libraft\/transport\/tcp_/) return "header:tcp"
  if (path ~ /^libraft\/include\/libraft\//) {
    rest = path
    sub(/^libraft\/include\/libraft\//, "", rest)
    return "header:" header_group(rest)
  }
  if (path ~ /^libraft\/src\/transport\/tcp_/) return "src:tcp"
  if (match(path, /^libraft\/src\/[a-z_]+\//)) return "src:" substr(path, 13, RLENGTH - 13)
  return "unknown"
}

# The group of what is included; "" for the standard library.
function group_of(target, quote,   dir) {
  if (quote == "\"") {
    if (layer == "example") return is_library_dir(target) ? "src:" directory(target) : "own"
    dir = directory(target)
    return "src:" dir
  }
  if (target ~ /^libraft\//) return header_group(substr(target, 9))
  if (target ~ /^asio(\/|\.hpp)/) return "asio"
  if (target ~ /^fmt\//) return "fmt"
  if (target == "xxhash.h") return "xxhash"
  if (target ~ /^[a-z_0-9]+$/) return ""
  if (target ~ /^(arpa|linux|net|netinet|sys)\// ||
      target ~ /^(dirent|errno|fcntl|netdb|poll|pthread|sched|signal|unistd)\.h$/) return "posix"
  return "other"
}

function directory(target) {
  sub(/\/.*/, "", target)
  return target
}

# An example's own folders shadow the library's of the same name (both may have transport/).
function is_library_dir(target,   dir, own) {
  dir = directory(target)
  if (target !~ /\// || !(("src:" dir) in known_layer)) return 0
  own = FILENAME
  sub(root "/", "", own)
  split(own, parts, "/")
  return system("test -e '" root "/examples/" parts[2] "/" target "'") != 0
}

function breach(text) {
  print path ":" FNR ": " text
  failed = 1
}

function stem(name) {
  sub(/.*\//, "", name)
  sub(/\.[a-z]+$/, "", name)
  return name
}

function level(name) {
  return name in core_level ? core_level[name] : 6
}

function check_core_arrow(target,   from, to) {
  from = stem(path)
  to = stem(target)
  if (from == to) return
  core_arrow[from, to] = 1
  core_stem[from] = core_stem[to] = 1
  if (level(to) > level(from)) breach("core/" from " may not include core/" to ", which stands above it")
}

FNR == 1 {
  path = FILENAME
  sub(root "/", "", path)
  layer = layer_of(path)
  if (!(layer in known_layer)) breach("belongs to no layer (" layer ")")
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
  line = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*/, "", line)
  quote = substr(line, 1, 1)
  target = substr(line, 2)
  sub(/[>"].*/, "", target)
  group = group_of(target, quote)
  if (group != "" && !((layer, group) in allowed)) breach(layer " may not include " target " (" group ")")
  if (layer == "src:core" && group == "src:core") check_core_arrow(target)
}

# Follows arrows from `at`; true when they lead back to `home`.
function leads_home(at, home, seen_key,   to) {
  for (to in core_stem) {
    if (!((at, to) in core_arrow)) continue
    if (to == home) return 1
    if ((seen_key, to) in seen) continue
    seen[seen_key, to] = 1
    if (leads_home(to, home, seen_key)) return 1
  }
  return 0
}

END {
  for (name in core_stem) {
    if (leads_home(name, name, name)) {
      print "libraft/src/core: " name " includes itself by way of others"
      failed = 1
    }
  }
  exit failed
}
