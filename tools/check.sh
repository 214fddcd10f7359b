#!/usr/bin/env bash
# Format, lint, types, layers, licences: every check runs, those that fail show what they found.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
check() {
  local name=$1 began=$SECONDS found; shift
  if found=$(.venv/bin/"$@" 2>&1); then
    printf '%-10s ok  %3d s\n' "$name" $((SECONDS - began))
  else
    printf '%-10s FAILED\n%s\n' "$name" "$found"
    failed=1
  fi
}

check format ruff format --check --no-cache .
check lint ruff check --no-cache .
check types basedpyright
check layers lint-imports --no-cache
check licences python tools/licences.py
exit $failed
