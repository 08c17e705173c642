#!/bin/sh
# scripts/fuzz.sh SECONDS [NAME...]: builds the fuzz preset and hunts SECONDS with each target (all by default), starting
# from its committed seeds and from what earlier hunts found. Everything found stays in build/fuzz/tests/fuzz.
set -eu
seconds=${1:?usage: scripts/fuzz.sh SECONDS [NAME...]}
shift
cd "$(dirname "$0")/.."
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
cd build/fuzz/tests/fuzz
[ $# -gt 0 ] || set -- $(ls -1 | sed -n 's/^fuzz_\([a-z_]*\)$/\1/p')
failed=
for name; do
    mkdir -p "found/$name" artifacts
    echo "== fuzz_$name, $seconds s"
    ./fuzz_"$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="artifacts/$name-" "found/$name" "../../../../tests/fuzz/corpus/$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "failed:$failed; see build/fuzz/tests/fuzz/artifacts"; exit 1; }
