#!/usr/bin/env bash
# Train the network that ships on rendered streets, in the time that a GPU is at hand: at most nine minutes.
#
#   benchmarks/gpu_train.sh OUT [KEY=VALUE ...]
#
# OUT becomes the run folder, with model.safetensors (at most 16 MB); a training that was interrupted leaves its checkpoint
# there. KEY=VALUE replaces keys of pipelines/default_cuda.toml. The first steps are timed; then as many are made as fit
# into SECONDS_IN_ALL (500).
# A bare machine needs what benchmarks/gpu_check.py lists; WHEELS names a folder of wheels to install first. Nothing is
# downloaded. Start it in the repository.
set -euo pipefail
out=$1
shift
limit=${SECONDS_IN_ALL:-500}
probe=${PROBE_STEPS:-100}
most=${MOST_STEPS:-20000}
python=${PYTHON:-python3}
source "$(dirname "$0")/gpu/bare_machine.sh"

settings=()
for setting in "$@"; do settings+=(--set "$setting"); done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m roadseg adapt --recipe default_cuda --data "$work/data" "${settings[@]}" --steps "$probe" --out "$work/probe" --quiet
steps=$("$python" benchmarks/gpu/steps_that_fit.py "$work/probe/log.jsonl" $((limit - SECONDS)) "$most")
echo "$steps steps after ${SECONDS} s of preparation"
"$python" -m roadseg adapt --recipe default_cuda --data "$work/data" "${settings[@]}" --steps "$steps" --out "$out" --quiet
echo "done in ${SECONDS} s"
