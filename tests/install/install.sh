#!/bin/sh
# install.sh BUILD SCRATCH LIBDIR SANITIZE -- what `cmake --install` leaves is a whole: it can be moved, other projects find
# the library in it by CMake and by pkg-config, and the program finds its recipes in it.
set -eu
build=$1 scratch=$2 libdir=$3 sanitize=$4
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log"
mv "$scratch/first" "$scratch/moved"
tree=$scratch/moved
! grep -rIlF "$scratch/first" "$tree" || { echo "the files above hold the place where they were installed"; exit 1; }

export LD_LIBRARY_PATH="$tree/$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
for way in package pkgconfig; do
    PKG_CONFIG_PATH="$tree/$libdir/pkgconfig" cmake -S "$here/consumer" -B "$scratch/$way" -DWAY=$way \
        -DCMAKE_PREFIX_PATH="$tree" ${sanitize:+-DCMAKE_C_FLAGS=-fsanitize=$sanitize} >"$scratch/$way.log"
    cmake --build "$scratch/$way" >>"$scratch/$way.log"
    "$scratch/$way/consumer"
done

recipes=$tree/share/godwit/recipes
for recipe in moco_v2_r50_in1m_200ep voc_r50_c4_24k_moco; do
    [ -f "$recipes/$recipe.json" ] || { echo "$recipe.json was not installed"; exit 1; }
done
echo '{ "base": "moco_tiny.json", "solver.iters": 3 }' >"$recipes/of_the_moved_tree.json"
code=0
said=$("$tree/bin/godwit" pretrain of_the_moved_tree --data "$scratch/nowhere" --out "$scratch/run" 2>&1) || code=$?
echo "$said"
[ $code = 66 ] && echo "$said" | grep -q "$scratch/nowhere" # the recipe was found, the pictures are not there
"$tree/bin/godwit" doctor
