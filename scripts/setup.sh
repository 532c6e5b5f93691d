#!/usr/bin/env bash
# Installs what the project needs on Debian and Ubuntu; elsewhere says by name what is missing.
#
# Usage: scripts/setup.sh [--run] [--check]
#   (no option)  everything: building, testing, sanitizers, documentation
#   --run        only what building and running the kvserver and its scripts needs
#   --check      install nothing; list what is missing, and exit 1 if anything is
#
# Does nothing, in no time, when everything is there. Uses sudo when it is not root.
set -euo pipefail

packages=(g++ cmake ninja-build ccache pkg-config libasio-dev libcpp-httplib-dev rapidjson-dev libfmt-dev
  libspdlog-dev libcli11-dev libxxhash-dev libssl-dev curl jq procps ca-certificates)
test_packages=(git catch2 libbenchmark-dev clang libclang-rt-14-dev llvm clang-format doxygen graphviz
  shellcheck python3)

# Where there is no apt: the program or the header that each need is known by.
needs=(bash:5.1 command:c++ command:cmake command:ninja command:pkg-config command:curl command:jq
  header:asio.hpp header:httplib.h header:rapidjson/reader.h header:fmt/format.h header:spdlog/spdlog.h
  header:CLI/CLI.hpp header:xxhash.h header:openssl/ssl.h)
test_needs=(command:git command:ccache command:clang++ command:clang-format command:doxygen command:dot
  command:shellcheck command:python3 header:catch2 header:benchmark/benchmark.h)

check_only=false
for_tests=true
for argument in "$@"; do
  case "$argument" in
    --run) for_tests=false ;;
    --check) check_only=true ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "setup.sh: unknown option '$argument' (see --help)" >&2
      exit 2
      ;;
  esac
done
if [ "$for_tests" = true ]; then
  packages+=("${test_packages[@]}")
  needs+=("${test_needs[@]}")
fi

missing=()
find_missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^.i *//p')
  for package in "${packages[@]}"; do
    case $'\n'"$installed"$'\n' in
      *$'\n'"$package"$'\n'*) ;;
      *) missing+=("$package") ;;
    esac
  done
}

install_with_apt() {
  find_missing_packages
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$check_only" = true ]; then
    echo "setup: missing packages: ${missing[*]}"
    exit 1
  fi
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "setup.sh: not root, and there is no sudo. Install these packages first: ${missing[*]}" >&2
      exit 1
    }
    apt=(sudo "${apt[@]}")
  fi
  echo "setup: installing ${missing[*]}"
  "${apt[@]}" update
  # The sanitizers' runtime carries the compiler's version in its name, which differs between releases.
  local known=() package
  for package in "${missing[@]}"; do
    if [ "$package" = libclang-rt-14-dev ] && ! apt-cache show "$package" >/dev/null 2>&1; then
      echo "setup: no package $package here; the clang of this system has to bring its sanitizers itself"
    else
      known+=("$package")
    fi
  done
  "${apt[@]}" install -y --no-install-recommends "${known[@]}" >/dev/null
}

has_header() {
  local dir dirs
  IFS=: read -r -a dirs <<<"/usr/include:/usr/local/include:/opt/homebrew/include:${CPATH:-}"
  for dir in "${dirs[@]}"; do
    [ ! -e "$dir/$1" ] || return 0
  done
  return 1
}

name_what_is_missing() {
  local need
  for need in "${needs[@]}"; do
    case "$need" in
      bash:*) ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) || missing+=("bash ${need#bash:} or newer") ;;
      command:*) command -v "${need#command:}" >/dev/null || missing+=("the program ${need#command:}") ;;
      header:*) has_header "${need#header:}" || missing+=("the header <${need#header:}>") ;;
    esac
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  {
    echo "setup.sh: there is no apt-get here. Please install what is missing by this system's own means:"
    printf '  %s\n' "${missing[@]}"
  } >&2
  exit 1
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_with_apt
else
  name_what_is_missing
fi
