#!/bin/sh
# Makes a virtual environment with the reference evaluators: setup_oracles.sh [DIR]. Only golden scripts and
# comparisons need it; godwit and its tests do not.
set -e
dir=${1:-oracles}
python3 -m venv "$dir"
"$dir/bin/pip" install -q pycocotools==2.0.11 'numpy<2.3' lvis==0.5.3 cityscapesscripts==2.2.4
"$dir/bin/pip" install -q faster-coco-eval hotcoco ultrafast-pycocotools || echo "no peers for the speed comparison"
"$dir/bin/python" -c 'import pycocotools.mask, lvis; print("oracles ready")'
