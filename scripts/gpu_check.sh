#!/bin/bash
# gpu_check.sh [options] BUILD OUT -- everything that wants a GPU, in one go; each step's output lies in OUT/STEP.txt
#
#   --only A,B,...   these steps alone: machine tests sanitizer determinism losses bench detect jpeg peer
#                    peer-c4 compile kernels demo cifar
#   --seconds N      in all (default 7200); a step that finds less left than it needs is not begun
#   --jobs N         programs of tests and sanitizer at once, the largest in N shards (default 1); one for two cores is fair
#   --peer FILE      a Python program that prints a peer's figures: FILE moco|r50 dtype=bf16 batch=N [graph=1|compile=1]
#   --cifar DIR      the moco_cifar10 recipe on it, for --cifar-seconds N (default 1200)
#   --small          sizes for an emulated device
#
# BUILD is a build folder with tests. The plug-in is BUILD's, or GODWIT_CUDA. A step that fails does not stop the others.
# OUT/summary.txt has a line a step: ok, FAILED, TIMEOUT, skipped. Exit 0: nothing failed; 1: something did; 69: no device.
set -u
export LC_ALL=C

only= seconds=7200 n_jobs=1 peer= cifar= cifar_seconds=1200 small=no
while [ $# -gt 0 ]; do
    case $1 in
    --only) only=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --jobs) n_jobs=$2; shift 2 ;;
    --peer) peer=$2; shift 2 ;;
    --cifar) cifar=$2; shift 2 ;;
    --cifar-seconds) cifar_seconds=$2; shift 2 ;;
    --small) small=yes; shift ;;
    -*) echo "gpu_check: $1 is no option; the head of the script lists them" >&2; exit 64 ;;
    *) break ;;
    esac
done
case $n_jobs in *[!0-9]* | '' | 0) echo "gpu_check: --jobs expects a number from 1 on, found '$n_jobs'" >&2; exit 64 ;; esac
[ $# -eq 2 ] || { echo "usage: scripts/gpu_check.sh [options] BUILD OUT" >&2; exit 64; }
[ -x "$1/godwit" ] || { echo "gpu_check: $1/godwit is not there; build first" >&2; exit 66; }
mkdir -p "$2" || exit 73
build=$(cd "$1" && pwd) out=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
godwit=$build/godwit
export GODWIT_CUDA="${GODWIT_CUDA:-$build/libgodwit_cuda.so}"
began=$SECONDS n_failed=0
: > "$out/summary.txt"

tell()
{
    printf '%-8s %6ss  %s\n' "$1" "$2" "$3" | tee -a "$out/summary.txt"
}

is_wanted()
{
    [ -z "$only" ] || case ",$only," in *",$1,"*) true ;; *) false ;; esac
}

# step NAME LIMIT COMMAND...: runs a function or program in a shell of its own, LIMIT seconds at most
step()
{
    local name=$1 limit=$2 from=$SECONDS left=$((seconds - (SECONDS - began))) code
    shift 2
    [ "$left" -ge 5 ] || { tell skipped 0 "$name: no time left"; return; }
    [ "$limit" -le "$left" ] || limit=$left
    timeout --kill-after=30 "$limit" bash -c '"$@"' - "$@" > "$out/$name.txt" 2>&1 < /dev/null
    code=$?
    case $code in
    0) tell ok $((SECONDS - from)) "$name" ;;
    77) tell skipped $((SECONDS - from)) "$name: $(tail -n 1 "$out/$name.txt")" ;;
    124 | 137) tell TIMEOUT $((SECONDS - from)) "$name"; n_failed=$((n_failed + 1)) ;;
    *) tell FAILED $((SECONDS - from)) "$name (exit $code): $(grep -v '^ *$' "$out/$name.txt" | tail -n 1)"
       n_failed=$((n_failed + 1)) ;;
    esac
}

# ---- sizes ----
if [ $small = yes ]; then
    pictures="--size 24 --train 24" scenes="--size 64 --train 6" photos="--size 48 --train 16" reads=2 moco=moco_tiny steps=4
    detect="demo_c4 solver.iters=2" threads="--threads 1"
    model="--arch resnet18 --width 0.125 --batch 4 --size 32 --reps 1"
    c4="--batch 2 --height 48 --width 64 --reps 1 model.arch=resnet18 model.width=0.125 roi.batch=8 rpn.post_test=20"
    demo="--scale 0.05 --trials 1" some_tests="Augment.OfNothingIsNothing:FakeGpu.Threads*"
    export FAKE_GPU_RACES="${FAKE_GPU_RACES:-0}"
else
    pictures="--size 96 --train 2000" scenes="--size 160 --train 200" photos="--size 448 --train 1000" reads=2000 steps=60
    moco="moco_v2_r50_in1m_200ep data.batch=128 data.crop=64 moco.K=4096" detect="demo_c4 solver.iters=60" threads=
    model="--arch resnet50 --batch 256 --size 224 --reps 20" c4="voc_r50_c4_24k --batch 2 --reps 20"
    demo= some_tests="*"
fi
export n_jobs build out here godwit pictures scenes photos reads moco steps detect threads model c4 demo some_tests peer cifar

# ---- steps ----
machine()
{
    uname -srm
    nvidia-smi 2> /dev/null || echo "nvidia-smi is not there"
    git -C "$here" log -1 --format='commit %H %cs' 2> /dev/null
    "$godwit" doctor || true
    "$godwit" doctor | grep -q -- '--device cuda$'
}

# one_shard I OF FILE NAME COMMAND...: a part of a test program; FILE has what it said, FILE.failed is there if it failed. A
# step that is out of time ends its programs too, also those in a process group of their own (timeout).
one_shard()
{
    local i=$1 of=$2 file=$3 name=$4 program
    shift 4
    echo "== $name$([ "$of" -eq 1 ] || echo ", shard $((i + 1)) of $of")" > "$file"
    GTEST_SHARD_INDEX=$i GTEST_TOTAL_SHARDS=$of "$@" >> "$file" 2>&1 &
    program=$!
    trap 'kill $program 2> /dev/null' TERM
    wait $program && return
    echo "$name failed (exit $?)" >> "$file"
    touch "$file.failed"
}

# queue FOLDER OF NAME COMMAND...: a test program in OF shards, beside others as far as --jobs allows
queue()
{
    local folder=$1 of=$2 name=$3 i
    shift 3
    for ((i = 0; i < of; i++)); do
        while [ "$(jobs -rp | wc -l)" -ge "$n_jobs" ]; do wait -n; done
        n_queued=$((n_queued + 1))
        one_shard $i "$of" "$folder/$(printf %04d "$n_queued")" "$name" "$@" &
    done
}

# Waits for what was queued, prints what it said, in its order, and last what failed; then 1.
all_of()
{
    local folder=$1 file failed=
    wait
    for file in "$folder"/????; do
        cat "$file"
        [ ! -e "$file.failed" ] || failed+="${failed:+; }$(sed -n '1s/^== //p' "$file")"
    done
    [ -z "$failed" ] || { echo "failed: $failed"; return 1; }
}

# All programs of the tier; a failure does not hide the next. Left out: the test of this script, and those on fake libraries
# (fake_gpu/libs), which show nothing here.
tests()
{
    local program of n_queued=0
    rm -rf "$out/tests" && mkdir "$out/tests"
    for program in "$build"/tests/fake_gpu/test_* "$build"/tests/cudnn/test_*; do
        [ -f "$program" ] && [ -x "$program" ] || continue
        of=1
        [ "${program##*/}" != test_kernels_gpu ] || of=$n_jobs
        queue "$out/tests" "$of" "${program#"$build/tests/"}" "$program" --gtest_brief=1 \
            --gtest_filter="$some_tests:-GpuCheck.*"
    done
    [ $n_queued -gt 0 ] || { echo "no test program is built"; return 1; }
    all_of "$out/tests"
}

sanitizer()
{
    local tool=${COMPUTE_SANITIZER:-compute-sanitizer} kind n_queued=0
    command -v "$tool" > /dev/null || { echo "compute-sanitizer is not there"; exit 77; }
    rm -rf "$out/sanitizer" && mkdir "$out/sanitizer"
    for kind in memcheck racecheck synccheck initcheck; do # 124: no end within 450 s
        queue "$out/sanitizer" "$n_jobs" $kind timeout 450 "$tool" --tool $kind --error-exitcode 9 \
            "$build/tests/fake_gpu/test_kernels_gpu" --gtest_brief=1 --gtest_filter="$some_tests"
    done
    all_of "$out/sanitizer"
}

make_data()
{
    [ -d "$out/data/objects" ] || "$godwit" scenes --kind object --layout folder $pictures --val 0 --test 0 \
        --out "$out/data/objects" --quiet || return 1
    [ -d "$out/data/scenes" ] || "$godwit" scenes --kind detection --layout voc $scenes --val 2 --test 2 \
        --out "$out/data/scenes" --quiet
}

# run NAME DEVICE [key=value ...]: a short pretraining run, from the start
run()
{
    local name=$1 device=$2
    shift 2
    rm -rf "$out/runs/$name"
    "$godwit" pretrain $moco --data "$out/data/objects" --out "$out/runs/$name" --device "$device" --quiet $threads \
        log_every=1 knn.every=0 solver.iters=$steps "$@"
}

same()
{
    cmp "$1" "$2" && echo "the same bits: $(basename "$(dirname "$1")") twice"
}

# Two runs of one seed end in the same bits: pretraining in both types, detection.
determinism()
{
    make_data || return 1
    local dtype failed=0 i
    for dtype in f32 bf16; do
        for i in 1 2; do
            run "twice-$dtype-$i" cuda dtype=$dtype || return 1
        done
        same "$out/runs/twice-$dtype-1/encoder.safetensors" "$out/runs/twice-$dtype-2/encoder.safetensors" || failed=1
    done
    for i in 1 2; do
        rm -rf "$out/runs/twice-c4-$i"
        "$godwit" train $detect --data "$out/data/scenes/VOCdevkit" --out "$out/runs/twice-c4-$i" --device cuda --quiet \
            $threads || return 1
    done
    same "$out/runs/twice-c4-1/model.safetensors" "$out/runs/twice-c4-2/model.safetensors" || failed=1
    return $failed
}

loss_of()
{
    sed -n 's/.*"loss": *\([-0-9.e+]*\).*/\1/p' "$out/runs/$1/metrics.jsonl"
}

# One seed on the host and on the device: sums in another order move the first losses by 1e-4 and 1e-2 at most; later a
# sign of an activation near 0 decides (docs/gpu.md), and the means of the second halves lie within 10 %.
losses()
{
    make_data && run losses-cpu cpu dtype=f32 && run losses-cuda cuda dtype=f32 || return 1
    loss_of losses-cpu > "$out/losses-cpu.txt"
    loss_of losses-cuda > "$out/losses-cuda.txt"
    paste "$out/losses-cpu.txt" "$out/losses-cuda.txt" | awk -v half=$((steps / 2)) '
        function off(a, b) { return a > b ? (a - b) / b : (b - a) / b }
        BEGIN { print "step cpu cuda" }
        { print NR, $1, $2; if (NF < 2 || (NR <= 2 && off($2, $1) > (NR == 1 ? 1e-4 : 1e-2))) bad = NR }
        NR > half { a += $1; b += $2 }
        END {
            if (NR < 2) { print "no losses"; exit 1 }
            print "means of the second half:", a / (NR - half), b / (NR - half)
            if (bad) { print "step", bad, "is too far off"; exit 1 }
            if (off(b, a) > 0.1) { print "the curves part"; exit 1 }
        }'
}

bench()
{
    local failed=0 how
    for how in "moco bf16" "moco tf32" "moco f32" "supervised bf16" "supervised tf32" "supervised f32"; do
        set -- $how
        echo "== $how"
        "$godwit" bench model --what "$1" $model --dtype "$2" --device cuda $threads --json "$out/bench-$1-$2.json" \
            --trace "$out/trace-$1-$2.json" || failed=1
    done
    return $failed
}

detect()
{
    local failed=0 dtype
    for dtype in bf16 f32; do
        "$godwit" bench detect $c4 --dtype $dtype --device cuda $threads --json "$out/bench-detect-$dtype.json" \
            --trace "$out/trace-detect-$dtype.json" || failed=1
    done
    return $failed
}

# How fast pictures come when libjpeg decodes them and when the device's engines do; the network is next to nothing.
jpeg()
{
    [ -d "$out/data/photos" ] || "$godwit" scenes --kind object --layout folder $photos --val 0 --test 0 \
        --out "$out/data/photos" --quiet || return 1
    local how
    for how in host device; do
        echo "== data.decode=$how"
        "$godwit" pretrain moco_tiny --data "$out/data/photos" --out "$out/runs/jpeg-$how" --device cuda $threads \
            knn.every=0 checkpoint_every=0 data.workers=0 solver.iters=$reads data.decode=$how > "$out/jpeg-$how.txt" 2>&1
        local code=$?
        tail -n 3 "$out/jpeg-$how.txt"
        [ $code -ne 71 ] || ! grep -q 'use data.decode=host' "$out/jpeg-$how.txt" || exit 77
        [ $code -eq 0 ] || return 1
    done
}

peer()
{
    [ -n "$peer" ] || { echo "no --peer FILE"; exit 77; }
    ask_peer "moco" "moco graph=1" "r50" "r50 graph=1"
}

# Compiling takes minutes before the first step.
compile()
{
    [ -n "$peer" ] || { echo "no --peer FILE"; exit 77; }
    ask_peer "moco compile=1" "r50 compile=1"
}

ask_peer()
{
    local failed=0 how
    for how in "$@"; do
        echo "== $how"
        "${PYTHON:-python3}" "$peer" $how dtype=bf16 batch=256 || failed=1
    done
    return $failed
}

# Faster R-CNN C4 of torchvision's parts.
peer_c4()
{
    "${PYTHON:-python3}" -c 'import torchvision' || { echo "torchvision is not there"; exit 77; }
    "${PYTHON:-python3}" "$here/tests/bench/peer_c4.py" dtype=bf16
}

# Where a step's time goes kernel by kernel: Nsight Compute over the program's first 1,000 (the first MoCo step, and what
# comes before it). OUT/kernels.csv has each; caches and clocks are left as they are.
kernels()
{
    local ncu=${NCU:-ncu}
    command -v "$ncu" > /dev/null || { echo "Nsight Compute (ncu) is not there"; exit 77; }
    rm -f "$out/kernels.csv"
    "$ncu" --cache-control none --clock-control none --metrics gpu__time_duration.sum,dram__bytes.sum -c 1000 \
        --csv --log-file "$out/kernels.csv" "$godwit" bench model --what moco $model --reps 1 --dtype bf16 --device cuda \
        $threads || return 1
    awk -F '","' '
        $13 == "gpu__time_duration.sum" || $13 == "dram__bytes.sum" {
            value = $15
            gsub(/[",]/, "", value)
            name = $5
            sub(/\(.*/, "", name)
            factor = $14 ~ /^(ns|nsecond|Kbyte)$/ ? 1e-3 : $14 ~ /^(ms|msecond|Gbyte)$/ ? 1e3 : \
                     $14 == "byte" ? 1e-6 : 1
            if ($13 ~ /^gpu/) {
                n[name]++
                us[name] += value * factor
                all += value * factor
            } else
                mb[name] += value * factor
        }
        END {
            for (name in n)
                printf("%10.1f us %5.1f %% %5d times %6.2f TB/s  %.90s\n", us[name], 100 * us[name] / all, n[name],
                       (us[name] > 0 ? mb[name] / us[name] : 0), name)
            if (!all) {
                print "no kernel was measured"
                exit 1
            }
        }' "$out/kernels.csv" | sort -k 1,1nr
    return "${PIPESTATUS[0]}"
}

demo()
{
    rm -rf "$out/demo"
    "$godwit" demo --device cuda $demo $threads --out "$out/demo"
}

# Ends by itself or at its limit, where it saves and exits 75; its nearest-neighbour curve goes beside it.
cifar()
{
    [ -n "$cifar" ] || { echo "no --cifar DIR"; exit 77; }
    local recipe=moco_cifar10
    [ "$moco" = moco_tiny ] && recipe="moco_tiny solver.iters=2"
    timeout "$cifar_seconds" "$godwit" pretrain $recipe --data "$cifar" --out "$out/runs/cifar" --device cuda --resume auto \
        $threads dtype=bf16 knn.every=1
    local code=$?
    grep -i knn "$out/runs/cifar/metrics.jsonl" > "$out/cifar-knn.jsonl"
    [ $code -eq 0 ] || [ $code -eq 124 ] || [ $code -eq 75 ]
}
export cifar_seconds
export -f one_shard queue all_of machine tests sanitizer make_data run same determinism loss_of losses bench detect jpeg peer compile \
    ask_peer peer_c4 kernels demo cifar

step machine 120 machine
grep -q -- '--device cuda$' "$out/machine.txt" || { echo "gpu_check: no device answers: $out/machine.txt" >&2; exit 69; }
is_wanted tests && step tests 1800 tests
is_wanted determinism && step determinism 900 determinism
is_wanted losses && step losses 900 losses
is_wanted bench && step bench 900 bench
is_wanted detect && step detect 600 detect
is_wanted jpeg && step jpeg 300 jpeg
is_wanted peer && step peer 600 peer
is_wanted peer-c4 && step peer-c4 300 peer_c4
is_wanted compile && step compile 900 compile
is_wanted kernels && step kernels 300 kernels
is_wanted sanitizer && step sanitizer 1800 sanitizer
is_wanted demo && step demo 900 demo
is_wanted cifar && step cifar $((cifar_seconds + 60)) cifar
echo "$n_failed of $(grep -c . "$out/summary.txt") steps failed; $out/summary.txt"
[ $n_failed -eq 0 ]
