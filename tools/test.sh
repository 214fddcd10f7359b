#!/usr/bin/env bash
# Every test but the long ones, then the coverage floors. Words given go to pytest, and the floors are left out: a part covers a part.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
  exec .venv/bin/python -m pytest "$@"
fi
rm -rf build/coverage
mkdir -p build/coverage
# Two halves side by side: what starts whole installations waits much, the rest computes. What the first half said stands after the second.
outside=(tests/scenario tests/crash tests/docs)
inside=()
for folder in tests/*/; do
  [[ " ${outside[*]} " == *" ${folder%/} "* ]] || inside+=("${folder%/}")
done
half() { .venv/bin/python -m coverage run -m pytest --durations 12 --durations-min 3 "$@"; }
failed=0
set -m # a group of its own: without, a background job ignores SIGINT, and so would every process that it tests
half "${outside[@]}" > build/outside.log 2>&1 < /dev/null &
other=$!
set +m
trap 'kill -TERM -- -$other 2> /dev/null || true' EXIT # who stops this, stops both
half "${inside[@]}" || failed=$?
wait $other || failed=$?
cat build/outside.log
.venv/bin/python -m coverage combine --quiet
.venv/bin/python -m coverage json --quiet -o build/coverage/coverage.json
.venv/bin/python tools/floors.py build/coverage/coverage.json || failed=1
exit $failed
