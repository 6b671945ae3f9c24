#!/bin/sh
# Writes a large plan and its catalog, to check by eye that the dashboard stays fast: N steps (10,000 by default) in layers
# of a hundred, each waiting for two steps of the layer above. One step near the end fails.
#
#   benches/large_plan.sh FOLDER [N]
#   plandeck run FOLDER/plan.json --max-concurrent 20 --worker offline      # or --worker simulated
set -eu
folder=$1
count=${2:-10000}
mkdir -p "$folder"
awk -v count="$count" 'BEGIN {
    printf "{\"steps\": ["
    for (at = 0; at < count; at++) {
        layer = int(at / 100)
        first = (layer - 1) * 100
        a = first + at % 100
        b = first + (at * 7 + layer) % 100
        on = layer == 0 ? "" : (a == b ? a : a ", " b)
        tool = at == count - 450 ? "refuse" : (at % 3 ? "fetch" : "summarise")
        if (layer > 0) { gsub(/[0-9]+/, "\"call_&\"", on) }
        printf "%s\n  {\"id\": \"call_%d\", \"tool\": \"%s\", \"parameters\": {\"number\": %d}, \"depends_on\": [%s]}", at ? "," : "", at, tool, at, on
    }
    print "\n]}"
}' > "$folder/plan.json"
cat > "$folder/tools.yaml" <<'TOOLS'
tools:
  fetch:
    type: model
    prompt: Give page {{number}}.
    offline: {jq: "{page: .number, words: (.number * 7 % 1000)}"}
    parameters: [{name: number, type: integer, description: Which page, required: true}]
    output_schema: {type: object, properties: {page: {type: integer}, words: {type: integer}}}
  summarise:
    type: model
    prompt: Page {{number}} in one line.
    offline: {jq: "\"page \\(.number) in one line\""}
    parameters: [{name: number, type: integer, description: Which page, required: true}]
    output_schema: {type: string}
  refuse:
    type: jq
    filter: "error(\"page \\(.number) is not there\")"
    parameters: [{name: number, type: integer, description: Which page, required: true}]
TOOLS
