#!/usr/bin/env bash
# {source-only, multi-level} x {batch norm off, on} side by side on one GPU: at most nine minutes.
#
#   benchmarks/gpu_methods.sh OUT TARGET [KEY=VALUE ...]
#
# TARGET is a folder of unlabelled images, 640x480 is enough. OUT gets a folder for each of the four runs with its
# model.safetensors, log.jsonl and metrics.json. KEY=VALUE replaces keys of pipelines/streets_camvid_factorial.toml.
# START names a run folder to start from (default: the default weights), SEED a seed (0), ARMS
# other runs than these four, each METHOD-BATCHNORM, of which the last gives the time of a step.
# A bare machine needs what benchmarks/gpu_check.py lists; WHEELS names a folder of wheels to install first. Nothing is
# downloaded. Start it in the repository.
set -euo pipefail
out=$1
target=$2
shift 2
limit=${SECONDS_IN_ALL:-500}
probe=${PROBE_STEPS:-60}
most=${MOST_STEPS:-5000}
python=${PYTHON:-python3}
source "$(dirname "$0")/gpu/bare_machine.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
settings=(--target "$target" --seed "${SEED:-0}" --set "init=${START:-default}")
for setting in batch_size=4 'crop=[480,360]' 'scale=[0.75,1.2]' precision=bfloat16 workers=3 "$@"; do
    settings+=(--set "$setting")
done
read -ra arms <<<"${ARMS:-source-only-false source-only-true multi-level-false multi-level-true}"

# arm FOLDER STEPS NAME [OPTION ...]: one run; NAME is METHOD-BATCHNORM
arm() {
    "$python" -m roadseg adapt --recipe streets_camvid_factorial --data "$work/data" "${settings[@]}" --steps "$2" \
        --method "${3%-*}" --set "adapt_bn=${3##*-}" --out "$1/$3" --quiet "${@:4}"
}

# all FOLDER STEPS [OPTION ...]: the four runs side by side
all() {
    local pids=() pid failed=0
    for name in "${arms[@]}"; do
        arm "$1" "$2" "$name" "${@:3}" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    return $failed
}

arm "$work/first" 1 "${arms[0]}" --set adversarial.warmup_steps=0 # renders the streets for all
all "$work/probe" "$probe" --set adversarial.warmup_steps=0
steps=$("$python" benchmarks/gpu/steps_that_fit.py "$work/probe/${arms[-1]}/log.jsonl" $((limit - SECONDS)) "$most")
echo "$steps steps after ${SECONDS} s of preparation"
all "$work/run" "$steps"
for name in "${arms[@]}"; do
    mkdir -p "$out/$name"
    cp "$work/run/$name"/{model.safetensors,log.jsonl,metrics.json,recipe.toml} "$out/$name"
done
echo "done in ${SECONDS} s"
