#!/bin/sh
# Run every benchmark once, on this checkout, in the Python environment that is active.
# Exits non-zero if a benchmark cannot be collected or fails. Writes no results.
set -eu
cd "$(dirname "$0")"

# Found here whether or not it is installed; asv itself listens to ASV_PYTHONPATH only.
checkout=$(cd .. && pwd)
export PYTHONPATH="$checkout" ASV_PYTHONPATH="$checkout"

asv machine --yes > /dev/null
asv check --python=same
asv run --python=same --quick --launch-method=forkserver --show-stderr "$@"
