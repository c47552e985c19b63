#!/bin/sh
# Unpacks the newest packages of another Debian release into a directory, for benchmarks against programs that
# this release has only in an old version. The machine's own package sources and packages stay as they are: apt
# gets a root of its own below the cache. Nothing of the packages is run or configured.
#
#   unpack-debian.sh SUITE CACHE PACKAGE...   ->   CACHE/SUITE/root/usr/bin/..., prints name=version per package
set -eu

[ $# -ge 3 ] || { echo "usage: $0 SUITE CACHE PACKAGE..." >&2; exit 2; }
suite=$1 cache=$2
shift 2
state=$cache/$suite
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

[ -r $keyring ] || { echo "$0: $keyring is missing: apt-get install debian-archive-keyring" >&2; exit 1; }
# The mirror that this machine uses already; it may be the only one within reach.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian/}

mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/empty" "$state/debs" "$state/root"
: >"$state/status"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$state/sources.list"
cat >"$state/apt.conf" <<CONF
Dir::State "$state";
Dir::State::Lists "$state/lists";
Dir::State::status "$state/status";
Dir::Cache "$state";
Dir::Cache::Archives "$state/archives";
Dir::Etc::SourceList "$state/sources.list";
Dir::Etc::SourceParts "$state/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$state/empty";
Acquire::Languages "none";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
APT_CONFIG=$state/apt.conf
export APT_CONFIG

# Lists of the last day are good enough.
[ -n "$(find "$state/lists" -maxdepth 1 -name '*Packages*' -mmin -1440)" ] || apt-get -qq update
cd "$state/debs"
for package; do
  rm -f "${package}"_*.deb
  apt-get -qq -o APT::Sandbox::User=root download "$package"
  for archive in "${package}"_*.deb; do
    dpkg-deb -x "$archive" "$state/root"
    dpkg-deb -f "$archive" Package Version | awk '{ print $2 }' | paste -sd =
  done
done
