#!/usr/bin/env bash
# dependency_rule.sh ROOT: checks that #include lines follow the layers (docs/architecture.md).
set -euo pipefail
root=${1:?the root of the project}
here=$(cd "$(dirname "$0")" && pwd)
cd "$root"
folders=()
for folder in libraft/include libraft/src examples; do
  if [[ -d $folder ]]; then folders+=("$root/$folder"); fi
done
mapfile -t files < <(find "${folders[@]}" -name '*.hpp' -o -name '*.cpp' | sort)
if ((${#files[@]} == 0)); then
  echo "no sources below $root" >&2
  exit 1
fi
awk -v root="$root" -f "$here/dependency_rule.awk" "${files[@]}"
echo "${#files[@]} files follow the layers"
