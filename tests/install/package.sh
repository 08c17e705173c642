#!/bin/sh
# package.sh BUILD SCRATCH -- cpack's Debian package names what it depends on, keeps its size, and its program runs.
set -eu
build=$1 scratch=$2
rm -rf "$scratch"
mkdir -p "$scratch"
cpack --config "$build/CPackConfig.cmake" -B "$scratch" >"$scratch/cpack.log" || { cat "$scratch/cpack.log"; exit 1; }
package=$(ls "$scratch"/godwit_*.deb)
depends=$(dpkg-deb --field "$package" Depends)
for library in libdnnl2 libarchive13 libspng0; do
    case $depends in *"$library "*) ;; *) echo "$library is missing in: $depends"; exit 1 ;; esac
done
[ "$(stat -c %s "$package")" -lt 10000000 ] || { echo "$package is larger than 10 MB"; exit 1; }
dpkg-deb --extract "$package" "$scratch/root"
"$scratch/root/usr/bin/godwit" doctor
code=0
said=$("$scratch/root/usr/bin/godwit" pretrain moco_tiny --data "$scratch/nowhere" --out "$scratch/run" 2>&1) || code=$?
echo "$said"
[ $code = 66 ] # the recipe was found, the pictures are not there
