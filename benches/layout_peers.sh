#!/bin/sh
# Compares the layout with graphviz `dot` and dagre, timed in the same run on this machine. dagre is installed into the
# target folder; `dot` must be on the path (the package `graphviz` of most systems).
set -eu
cd "$(dirname "$0")/.."
peers="${CARGO_TARGET_DIR:-target}/dagre"
[ -d "$peers/node_modules/@dagrejs/dagre" ] || npm install --silent --prefix "$peers" @dagrejs/dagre
command -v dot >/dev/null || echo "dot is not installed: the bench leaves it out" >&2
exec cargo bench --quiet --bench layout -- --dagre "$peers" "$@"
