#!/usr/bin/env bash
# doxygen_selftest.sh ROOT: does docs/Doxyfile accept the public headers, and find what it is there for?
# shellcheck disable=SC2016 # backticks of Markdown, not of the shell
# Exit 77 without Doxygen.
set -euo pipefail
root=${1:?the root of the project}
command -v doxygen >/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/libraft/include" "$folder/docs" "$folder/build/docs"
cp "$root/docs/Doxyfile" "$folder/docs/"
cd "$folder"

expect() { # passes|fails, what, header, sed script
  local outcome=passes header=libraft/include/libraft/$3
  rm -rf libraft/include/libraft
  cp -r "$root/libraft/include/libraft" libraft/include/
  sed -i "$4" "$header"
  if [[ $1 == fails ]] && cmp -s "$root/$header" "$header"; then
    echo "$2: the change did not change anything"
    exit 1
  fi
  doxygen docs/Doxyfile >log 2>&1 || outcome=fails
  [[ $outcome == "$1" ]] || {
    echo "$2: $outcome"
    cat log
    exit 1
  }
}

expect passes "the headers as they are" types.hpp ''
expect fails "a field without a comment" entry.hpp 's|  ///< its place||'
expect fails "a free function without a comment" options.hpp '/^\/\/\/ One English sentence/d'
expect fails "a parameter that is not there" types.hpp 's|^/// The index after `index`.|/// @param other of which|'
expect fails "a parameter left out" file_system.hpp 's|^/// The whole file, or|/// @param path of the file\n&|'
expect fails "a reference to nowhere" types.hpp 's|^/// The index after `index`.|& See @ref nowhere.|'
