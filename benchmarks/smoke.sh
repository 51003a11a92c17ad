#!/bin/sh
# Run every benchmark once, on this checkout, in the Python environment that is active; with few combinations
# of its parameters, unless arguments say which: `smoke.sh --bench .` takes all of them, and six minutes.
# Exits non-zero if a benchmark cannot be collected or fails. Writes no results.
set -eu
cd "$(dirname "$0")"

# Found here whether or not it is installed; asv itself listens to ASV_PYTHONPATH only.
checkout=$(cd .. && pwd)
export PYTHONPATH="$checkout" ASV_PYTHONPATH="$checkout"

if [ $# = 0 ]; then
    chosen=$(python few.py)
    set -- --bench "$chosen"
fi
asv machine --yes > /dev/null
asv check --python=same
exec asv run --python=same --quick --launch-method=forkserver --show-stderr "$@"
