#!/bin/sh
# Reads {"shelf": "A"} and prints what shelves.csv has on that shelf.
shelf=$(sed -n 's/.*"shelf"[ ]*:[ ]*"\([A-C]\)".*/\1/p')
sleep "${SECONDS_A_SHELF:-0}"
exec awk -F, -v shelf="$shelf" '
NR > 1 && $1 == shelf { list = list (list == "" ? "" : ",") "{\"article\":\"" $2 "\",\"pieces\":" $3 "}" }
END { printf "{\"shelf\":\"%s\",\"counted\":[%s]}\n", shelf, list }
' shelves.csv
