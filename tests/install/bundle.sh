#!/bin/sh
# bundle.sh BUILD SCRATCH -- scripts/bundle.sh leaves a folder that can be moved: its program runs with no environment, from
# another folder and through a link, with the libraries and recipes beside it. 77 where a tool is missing.
set -eu
build=$1 scratch=$2
for tool in ldd awk readlink du; do
    command -v $tool >/dev/null || { echo "bundle: skipped, there is no $tool here"; exit 77; }
done
here=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$scratch"
mkdir -p "$scratch/elsewhere"
"$here/scripts/bundle.sh" "$build" "$scratch/first"
mv "$scratch/first" "$scratch/moved"
bundle=$scratch/moved
ln -s "$bundle/godwit" "$scratch/elsewhere/linked"
cd "$scratch/elsewhere"

# all but the C library and the loader are the bundle's own, and none is missing
foreign=$(env -i LD_LIBRARY_PATH="$bundle/lib" ldd "$bundle/bin/godwit" | grep -v 'linux-vdso\|ld-linux' | grep -vF "$bundle/lib/" |
    grep -Ev 'lib(c|m|dl|rt|pthread|resolv|util)\.so' || true)
[ -z "$foreign" ] || { echo "not from the bundle: $foreign"; exit 1; }

env -i ./linked doctor >doctor.txt
cat doctor.txt
grep -q "ok   recipes .*$bundle/share/godwit/recipes" doctor.txt

echo '{ "images": [{ "id": 1, "width": 20, "height": 20 }], "categories": [{ "id": 1, "name": "godwit" }],
  "annotations": [{ "id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 8], "area": 80, "iscrowd": 0 }] }' >gt.json
echo '[{ "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 8], "score": 0.9 }]' >dt.json
env -i "$bundle/godwit" eval coco gt.json dt.json >ap.txt
cat ap.txt
grep -qF '(AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 1.000' ap.txt

code=0 # the recipe is found, the pictures are not there
said=$(env -i "$bundle/godwit" pretrain moco_tiny --data nowhere --out run 2>&1) || code=$?
echo "$said"
[ $code = 66 ]

code=0
"$here/scripts/bundle.sh" "$scratch/nowhere" "$scratch/second" || code=$?
[ $code = 66 ]
[ ! -e "$scratch/second" ]
rm -rf "$scratch"
