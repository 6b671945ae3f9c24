#!/bin/sh
# Reads {"term": "…"} and prints the sentences of corpus/*.txt that contain the term, in any case:
# {"term": "…", "hits": [{"source": "…", "line": 3, "text": "…"}]}.
term=$(sed -n 's/.*"term"[ ]*:[ ]*"\([^"\\]*\)".*/\1/p')
if [ -z "$term" ]; then
    echo "search: no term was given" >&2
    exit 2
fi
sleep "${SECONDS_A_SEARCH:-0}"
exec awk -v term="$term" '
function quoted(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }
BEGIN { printf "{\"term\":%s,\"hits\":[", quoted(term); term = tolower(term) }
FNR == 1 { source = FILENAME; sub(/.*\//, "", source); sub(/\.txt$/, "", source) }
index(tolower($0), term) {
    printf "%s{\"source\":%s,\"line\":%d,\"text\":%s}", (hits++ ? "," : ""), quoted(source), FNR, quoted($0)
}
END { print "]}" }
' corpus/*.txt
