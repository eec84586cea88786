#!/bin/sh
# All numbers of docs/performance.md that need a GPU, from one command; results land in benchmarks/results/.
#
#     sh benchmarks/gpu.sh [WEIGHTS]     (without weights: random ones, 4 GB of temporary disk)
#
# The baseline runs in the manner of the released code (float32, one image, attention with its weights written out,
# blocking launches), then float32 and bfloat16 as a predictor runs them, for growing batches, each beside the matrix peak
# that it measures.
set -eu
cd "$(dirname "$0")/.."
out=benchmarks/results/gpu-$(date +%Y-%m-%d)
mkdir -p "$out"
weights=${1:-}
if [ -z "$weights" ]; then
    weights=$(mktemp -d)/large
    trap 'rm -rf "$(dirname "$weights")"' EXIT
    python3 -c "import sys, pathlib; from rs2sam2.bench import random_weights; random_weights('large', pathlib.Path(sys.argv[1]))" "$weights"
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv | tee "$out/gpu.csv"
CUDA_LAUNCH_BLOCKING=1 python3 benchmarks/released_style.py "$weights" --device cuda | tee "$out/released-style.json"
python3 -m rs2sam2 bench "$weights" --device cuda --dtype float32 --batch 1 --batch 8 --runs 10 -o "$out/float32.json"
python3 -m rs2sam2 bench "$weights" --device cuda --dtype bfloat16 --batch 1 --batch 2 --batch 4 --batch 8 --batch 16 \
    --batch 32 --batch 64 --runs 10 -o "$out/bfloat16.json"
