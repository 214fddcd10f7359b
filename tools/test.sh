#!/usr/bin/env bash
# Every test but the long ones, then the coverage floors. Words given go to pytest, and the floors are left out: a part covers a part.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
  exec .venv/bin/python -m pytest "$@"
fi
rm -rf build/coverage
mkdir -p build/coverage
failed=0
.venv/bin/python -m coverage run -m pytest --durations 12 --durations-min 3 || failed=$?
.venv/bin/python -m coverage combine --quiet
.venv/bin/python -m coverage json --quiet -o build/coverage/coverage.json
.venv/bin/python tools/floors.py build/coverage/coverage.json || failed=1
exit $failed
