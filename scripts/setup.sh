#!/bin/sh
# Installs what packages.txt names and this machine lacks. Needs root or sudo only when something is missing.
set -eu
cd "$(dirname "$0")/.."
missing=
for package in $(grep -v '^#' packages.txt); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
