#!/bin/sh
# Measure commits and build the dashboard, .asv/html, from all results so far.
#
#   ./dashboard.sh main^!              the newest commit of main, and the pages
#   ./dashboard.sh v0.1.0..main        what is not yet measured of a range; more arguments go to asv run
#   ./dashboard.sh                     the pages only
#
# Exits non-zero if a benchmark failed, after building the pages.
set -eu
cd "$(dirname "$0")"

asv machine --yes > /dev/null
failed=0
if [ $# -gt 0 ]; then
    asv run --skip-existing-successful "$@" || failed=$?
fi
asv publish
if command -v npm > /dev/null; then
    python offline.py
else
    echo "no npm: the pages will ask the network for jQuery, flot and bootstrap"
fi
exit "$failed"
