#!/bin/sh
# Compares Plandeck's engine with asyncio and a topological sorter, and with Dask's threaded scheduler: the same plans, in
# the same run, on this machine. Dask is installed into a virtual environment in the target folder.
set -eu
cd "$(dirname "$0")/.."
venv="${CARGO_TARGET_DIR:-target}/peers"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import dask.threaded' 2>/dev/null || "$venv/bin/python" -m pip install --quiet dask
cargo bench --quiet --bench engine -- --json | "$venv/bin/python" benches/peers.py
