# Sourced by the checks against aimock, an independent model API server from npm: builds the program, and installs the
# server into the target folder. Gives $program and $modules.

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    echo "npm is not installed: install Node.js 20.15 or newer, which this check needs" >&2
    exit 1
fi
target=$(cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
folder=$target/model-api
version=1.43.0
if ! grep -q "\"version\": \"$version\"" "$folder/node_modules/@copilotkit/aimock/package.json" 2>/dev/null; then
    mkdir -p "$folder"
    echo '{"private": true}' >"$folder/package.json"
    npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --save-exact "@copilotkit/aimock@$version"
fi
cargo build --quiet
program=$target/debug/plandeck
modules=$folder/node_modules
