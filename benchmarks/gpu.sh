#!/usr/bin/env bash
# Everything that is to be measured on a GPU, in blocks that each end in under nine minutes (docs/gpu.md says what for):
#
#     benchmarks/gpu.sh [b] [a] [d] [c]     the blocks that are named, in their order; all four without names
#
#   a  throughput over batch, codes and precision, with memory and share of the measured peak; beside PyTorch
#   b  the bundled cats64 gone on with: jaxprior train pggan --from cats64
#   c  SinGAN at 250 pixels, 2000 steps a scale: minutes, beside PyTorch
#   d  a profile by kernel of one step
#
# Settings, all of them environment variables:
#   OUT        folder for results (default runs/gpu): JSON, tables and logs, few and small, written as they come
#   WORK       folder for what stays on the machine (default runs/gpu-work): the training's run, compiled programs
#   CATS       pictures for block b, a folder or a zip archive
#   PICTURE    a photograph for block c (default: one that scikit-image brings)
#   MGANPRIOR  a checkout of the public mGANprior code, measured as it is shipped
#   FROM, LR, FINAL_LR, KIMG   block b: weights to go on with, learning rates at its begin and end, thousand pictures
#   PYTHON     the interpreter (default python3)
#   SMALL=1    a rehearsal: the same code in small sizes, a few minutes on two CPU cores
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

OUT=$(realpath -m "${OUT:-runs/gpu}")
WORK=$(realpath -m "${WORK:-runs/gpu-work}")
PYTHON=${PYTHON:-python3}
SMALL=${SMALL:-}
BLOCK_SECONDS=520
mkdir -p "$OUT" "$WORK"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 XLA_PYTHON_CLIENT_PREALLOCATE=false
export JAX_COMPILATION_CACHE_DIR="$WORK/compiled" JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=1

# part SECONDS COMMAND...: run a command for at most so many seconds, and not beyond the end of its block. It is asked to
# stop first, which a training hears, and is killed 15 seconds later.
part() {
    local left=$((BLOCK_SECONDS - (SECONDS - block_began))) limit=$1 began=$SECONDS code
    shift
    if ((left < 30)); then
        echo "left out, because the block's time is over: $*" | tee -a "$OUT/$block.log"
        return 0
    fi
    ((limit = limit < left ? limit : left))
    echo "== at most $limit s: $*" | tee -a "$OUT/$block.log"
    timeout --kill-after=15 "$limit" "$@" 2>&1 | tee -a "$OUT/$block.log"
    code=${PIPESTATUS[0]}
    echo "== ended with code $code after $((SECONDS - began)) s" | tee -a "$OUT/$block.log"
}

block_a() {
    local minutes=(--minutes 2) cases=() case=256:20:8:16:bf16 public=()
    [ -n "$SMALL" ] && cases=(--cases 16:3:2:2:fp32,16:2:4:1:fp32) case=16:3:2:2:fp32
    [ -n "${MGANPRIOR:-}" ] && public=(--mganprior "$MGANPRIOR")
    if "$PYTHON" -c "import torch" 2>/dev/null; then
        part 170 "$PYTHON" benchmarks/compare_torch.py --out "$OUT/a-torch.json" --cases "$case" --rounds 3 \
            ${public[@]+"${public[@]}"}
        part 150 "$PYTHON" benchmarks/compare_torch.py --out "$OUT/a-torch-compile.json" --cases "$case" --rounds 3 --compile
    else
        echo "PyTorch is not installed: no comparison with it" | tee -a "$OUT/a.log"
    fi
    part 240 "$PYTHON" benchmarks/throughput.py --out "$OUT/a-throughput.json" "${minutes[@]}" ${cases[@]+"${cases[@]}"}
}

block_b() {
    local from=${FROM:-cats64} data=${CATS:-} size=(--precision bf16) run
    if [ -n "$SMALL" ]; then
        from=${FROM:-cats32} size=(--batch-size 8 --warmup-steps 4) KIMG=${KIMG:-0.2}
        if [ -z "$data" ]; then
            data=$WORK/pictures
            "$PYTHON" benchmarks/gpu_table.py --pictures "$data" || return 1
        fi
    fi
    if [ -z "$data" ]; then
        echo "block b needs pictures: CATS=cats.zip" | tee -a "$OUT/b.log"
        return 1
    fi
    run=$WORK/b-$(basename "$from" .safetensors)
    part 480 "$PYTHON" -m jaxprior train pggan --data "$data" --from "$from" -o "$run" "${size[@]}" --minutes 6.5 \
        --lr "${LR:-0.0015}" --final-lr "${FINAL_LR:-0.0005}" --final-kimg "${KIMG:-1500}"
    for file in model.safetensors metrics.csv swd.csv samples.png curves.png; do
        [ -f "$run/$file" ] && cp "$run/$file" "$OUT/b-$file"
    done
    return 0
}

block_c() {
    local size=(--size 250 --steps 2000 --minutes 5.5)
    [ -n "$SMALL" ] && size=(--size 32 --steps 4 --minutes 1)
    part 400 "$PYTHON" benchmarks/singan_training.py --out "$OUT/c-training.json" --weights "$WORK/c-run" "${size[@]}" \
        ${PICTURE:+--picture "$PICTURE"}
}

block_d() {
    local case=256:20:8:16:bf16 profile=("$PYTHON" benchmarks/kernel_profile.py)
    [ -n "$SMALL" ] && case=16:3:2:2:fp32
    part 240 "${profile[@]}" --case "$case" --out "$OUT/d-profile.json"
    # XLA computes convolutions in float32 with channels first, unless it is told otherwise.
    part 240 env XLA_FLAGS="${XLA_FLAGS:-} --xla_gpu_force_conv_nhwc=true" \
        "${profile[@]}" --case "$case" --out "$OUT/d-profile-nhwc.json"
    [ -n "$SMALL" ] || part 200 "${profile[@]}" --case 256:20:8:1:bf16 --out "$OUT/d-profile-1.json"
}

blocks=("$@")
((${#blocks[@]})) || blocks=(b a d c)
for block in "${blocks[@]}"; do
    case $block in
    a | b | c | d) ;;
    *)
        echo "benchmarks/gpu.sh: no block $block; expected some of a, b, c, d" >&2
        exit 2
        ;;
    esac
done
for block in "${blocks[@]}"; do
    block_began=$SECONDS
    : >"$OUT/$block.log"
    echo "=== block $block"
    "block_$block"
    echo "=== block $block took $((SECONDS - block_began)) s" | tee -a "$OUT/$block.log"
done
"$PYTHON" benchmarks/gpu_table.py "$OUT"
