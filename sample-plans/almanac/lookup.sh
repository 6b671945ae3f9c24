#!/bin/sh
# Reads {"text": "…"} and prints the line of almanac.txt that shares the most words with it.
text=$(sed -n 's/.*"text"[ ]*:[ ]*"\([^"\\]*\)".*/\1/p')
exec awk -v text="$text" '
function words_of(line) { line = tolower(line); gsub(/[^a-z0-9 ]/, " ", line); return " " line " " }
BEGIN { count = split(words_of(text), wanted, " "); best = 0 }
{
    line = words_of($0); shared = 0
    for (i = 1; i <= count; i++) if (index(line, " " wanted[i] " ")) shared++
    if (shared > best) { best = shared; found = $0 }
}
END {
    if (best == 0) { print "lookup: nothing about " text > "/dev/stderr"; exit 1 }
    gsub(/\\/, "\\\\", found); gsub(/"/, "\\\"", found)
    printf "\"%s\"\n", found
}
' almanac.txt
