#!/bin/sh
# Prints a comma-separated table as {"rows": [{…}]}. After the file comes the type of each column, `text` or
# `number`; a cell of another type ends the program with its place on standard error.
file=$1
shift
exec awk -F, -v file="$file" -v types="$*" '
function quoted(text) {
    gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\t/, "\\t", text)
    return "\"" text "\""
}
BEGIN { split(types, type, " ") }
{ sub(/\r$/, "") }
NR == 1 { columns = NF; for (i = 1; i <= NF; i++) name[i] = $i; printf "{\"rows\":["; next }
/^[ ]*$/ { next }
NF != columns {
    printf "%s, line %d: %d columns where the head has %d: %s\n", file, NR, NF, columns, $0 > "/dev/stderr"
    failed = 1; exit 1
}
{
    row = ""
    for (i = 1; i <= NF; i++) {
        if (type[i] == "number" && $i !~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/) {
            printf "%s, line %d: %s is \"%s\", which is not a number: %s\n", file, NR, name[i], $i, $0 > "/dev/stderr"
            failed = 1; exit 1
        }
        row = row (i > 1 ? "," : "") quoted(name[i]) ":" (type[i] == "number" ? $i : quoted($i))
    }
    printf "%s{%s}", (printed++ ? "," : ""), row
}
END { if (!failed) print "]}" }
' "$file"
