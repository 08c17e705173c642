#!/bin/sh
# bundle.sh BUILD OUT -- godwit and the libraries it needs in one folder, for another Linux machine
#
# OUT/bin/godwit finds OUT/lib first. Taken along: everything that the program and its plug-in link to but the C library,
# the loader and the GPU driver, which belong to the machine; cuDNN, cuBLAS and NVRTC only with --with-cuda (1.2 GB), else
# the machine's own are used (LD_LIBRARY_PATH or its module system). The target's glibc must be as new as this machine's.
set -eu
with_cuda=no
[ "${1:-}" = --with-cuda ] && { with_cuda=yes; shift; }
[ $# -eq 2 ] || { echo "usage: scripts/bundle.sh [--with-cuda] BUILD OUT" >&2; exit 64; }
build=$1 out=$2
[ -x "$build/godwit" ] || { echo "bundle: $build/godwit is not there; build first" >&2; exit 66; }
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out/bin" "$out/lib" "$out/share/godwit/recipes" "$out/share/doc/godwit"

# what FILE links to, one path a line, without what belongs to the machine
needs()
{
    ldd "$1" | awk '$3 ~ /^\// { print $3 }' |
        grep -Ev '/(libc|libm|libdl|librt|libpthread|libresolv|libutil|ld-linux[^/]*|libcuda)\.so' |
        { [ $with_cuda = yes ] && cat || grep -Ev '/lib(cudnn|cublas|nvrtc|nvJitLink)'; } || true
}

cp "$build/godwit" "$out/bin/"
files="$build/godwit"
if [ -f "$build/libgodwit_cuda.so" ]; then
    cp "$build/libgodwit_cuda.so" "$out/bin/"
    files="$files $build/libgodwit_cuda.so"
else
    echo "bundle: no CUDA plug-in in $build: the bundle runs on CPUs only"
fi
for file in $files; do
    for library in $(needs "$file"); do
        cp -nL "$library" "$out/lib/"
    done
done
if [ $with_cuda = yes ]; then # cuDNN and NVRTC load their parts by name
    root=$(dirname "$(ldd "$build/libgodwit_cuda.so" | awk '/libcudnn\.so/ { print $3 }')")
    cp -nL "$root"/libcudnn*.so.9 "$root"/libnvrtc.so.* "$root"/libnvrtc-builtins.so.* "$out/lib/"
fi
cp "$here"/pretrain/recipes/*.json "$here"/detect/recipes/*.json "$out/share/godwit/recipes/"
cp "$here/README.md" "$here/LICENSE" "$here/docs/gpu.md" "$out/share/doc/godwit/"

cat > "$out/godwit" <<'RUN'
#!/bin/sh
# Runs bin/godwit with the libraries beside it.
at=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export LD_LIBRARY_PATH="$at/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export GODWIT_RECIPES="${GODWIT_RECIPES:-$at/share/godwit/recipes}"
exec "$at/bin/godwit" "$@"
RUN
chmod +x "$out/godwit"
echo "bundle: $(du -sh "$out" | cut -f1) in $out; try $out/godwit doctor"
