#!/usr/bin/env bash
# Compares the program with the real tools: builds it and calls every script in
# this folder, or those named, with its path.
#
#   run.sh [SCRIPT.py ...]
#
# INTEROP_PYTHON is the Python that has Keras, timm and TensorFlow (default
# /opt/interop/bin/python, else /usr/bin/python3). torchvision.py, preprocess.py,
# explain.py and onnx.py run with /usr/bin/python3, where Debian installs their tools, unless
# only INTEROP_PYTHON has them. docs/interop.md says how to install everything.
set -u -o pipefail
cd "$(dirname "$0")" || exit 1

system=/usr/bin/python3
python=${INTEROP_PYTHON:-/opt/interop/bin/python}
[ -x "$(command -v "$python")" ] || python=$system

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd ../.. && CGO_ENABLED=0 go build -o "$work/inception" ./cmd/inception) || exit 1

# interpreter SCRIPT prints the Python that runs it.
interpreter() {
	case $1 in
	torchvision.py | onnx.py | preprocess.py | explain.py)
		module=torchvision
		[ "$1" = onnx.py ] && module=onnx
		if (cd / && "$system" -c "import $module") 2>/dev/null; then echo "$system"; else echo "$python"; fi ;;
	*) echo "$python" ;;
	esac
}

passed=() failed=() skipped=()
[ $# -gt 0 ] || set -- *.py
for script; do
	echo "== $script"
	"$(interpreter "$script")" "$script" "$work/inception" 2>&1 | tee "$work/log"
	status=$?
	while read -r line; do skipped+=("$script: ${line#skip }"); done < <(grep '^skip ' "$work/log")
	if [ $status -eq 0 ]; then
		passed+=("$script")
	elif missing=$(grep "^$script: No module named" "$work/log"); then
		skipped+=("$missing")
	else
		failed+=("$script")
	fi
done

echo
echo "passed: ${passed[*]:-none}"
for line in "${skipped[@]}"; do echo "skipped: $line"; done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
