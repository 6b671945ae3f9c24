#!/bin/sh
# Reads {"milliseconds": 100}, waits that long, and prints {"waited": 100}.
milliseconds=$(sed -n 's/.*"milliseconds"[ ]*:[ ]*\([0-9]*\).*/\1/p')
sleep "$(awk -v ms="$milliseconds" 'BEGIN { printf "%.3f", ms / 1000 }')"
printf '{"waited": %d}\n' "$milliseconds"
