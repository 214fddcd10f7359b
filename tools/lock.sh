#!/usr/bin/env bash
# Refreshes the locks in requirements/ from pyproject.toml, and proves that every pin has a wheel on every platform they are for.
#   tools/lock.sh             keeps what is pinned already and adds what is missing
#   tools/lock.sh --upgrade   takes the newest of everything
# base.lock serves, test.lock adds what `make test` needs, dev.lock what `make check` and this script need: each holds all of the one
# before, at the same versions. Needs `make check`'s environment (uv stands in dev.lock) and the network.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
common=(--only-binary :all: --no-emit-index-url --quiet)

compile() {
  local name=$1; shift
  echo "requirements/$name.lock"
  "$uv" pip compile pyproject.toml "$@" --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
    "${common[@]}" --output-file "requirements/$name.lock"
}

compile base --group build "${@}"
compile test --group build --group test --constraint requirements/base.lock "${@}"
compile dev --group build --group test --group check --constraint requirements/test.lock "${@}"

for python in 3.11 3.12 3.13 3.14; do
  for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28; do
    echo "wheels for Python $python, $platform"
    "$uv" pip compile requirements/dev.lock --no-deps --python-version "$python" --python-platform "$platform" "${common[@]}" >/dev/null
  done
done
