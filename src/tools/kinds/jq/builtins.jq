# Filters that jq has and the interpreter has not, or has with another meaning. `/`, `%`, `=`, `|=` and the like are
# rewritten into calls of the first ones before a filter is compiled.

def _too_deep: error("the filter nests deeper than 4000 levels");
def _divide(l; r): r as $r | l | _div($r);
def _modulo(l; r): r as $r | l | _mod($r);
def _assign(paths; r): r as $r | _modify(paths; $r);

def tostring: if isstring then . else tojson end;
def @text: tostring;
def @json: tojson;
def @html: tostring | escape_html;
def @uri: tostring | encode_uri;
def @base64: tostring | encode_base64;
def @base64d: tostring | decode_base64;
def @base32: tostring | encode_base32;
def @base32d: tostring | decode_base32;
def @sh:
  [if isarray then .[] end
  | if isarray or isobject then error("\(type) (\(tojson)) can not be escaped for shell")
    elif isstring then "'\(escape_sh)'" else tojson end]
  | join(" ");
def _row(quoted; what):
  if isarray | not then error("\(type) (\(tojson)) cannot be \(what)-formatted, only an array") end
  | map(
      if isstring then quoted
      elif . == null then ""
      elif isarray or isobject then error("\(type) (\(tojson)) is not valid in a \(what) row")
      else tojson end);
def _replaced($from; $to): split($from) | join($to);
def @csv: _row("\"\(_replaced("\""; "\"\""))\""; "csv") | join(",");
def @tsv:
  _row(_replaced("\\"; "\\\\") | _replaced("\t"; "\\t") | _replaced("\n"; "\\n") | _replaced("\r"; "\\r"); "tsv")
  | join("\t");

def setpath($path; $value): _setpath($path; $value);
def delpaths($paths): _delpaths($paths);
def del(f): delpaths([path(f)]);
def map_values(f): .[] |= f;
def to_entries: [keys_unsorted[] as $k | {key: $k, value: .[$k]}];
def from_entries:
  reduce .[] as $x ({};
    . + { ($x
          | [.key, .k, .name, .Name, .Key, .K]
          | map(select(. != null and . != false)) as $given
          | if $given == [] then ($x | if has("key") then .key elif has("k") then .k else null end) else $given[0] end
          | if isstring then . else tojson end):
          ($x | if has("value") then .value elif has("v") then .v elif has("Value") then .Value else .V end) });
def with_entries(f): to_entries | map(f) | from_entries;
def walk(f):
  def w: if isobject then map_values(w) elif isarray then map(w) else . end | f;
  w;
def leaf_paths: paths(scalars);
def pick(paths): . as $all | reduce path(paths) as $p (null; setpath($p; $all | getpath($p)));
def join($separator):
  reduce .[] as $x (null;
    (if . == null then "" else . + $separator end)
    + ($x | if . == null then "" elif . == true or . == false or isnumber then tojson else . end)) // "";
def flatten($depth):
  if $depth < 0 then error("flatten depth must not be negative") end
  | reduce .[] as $x ([]; if ($x | isarray) and $depth > 0 then . + ($x | flatten($depth - 1)) else . + [$x] end);
def flatten: flatten(1000000000);
def ltrimstr($x): if isstring and ($x | isstring) and startswith($x) then .[($x | length):] end;
def rtrimstr($x):
  if isstring and ($x | isstring) and $x != "" and endswith($x) then .[:length - ($x | length)] end;
def trimstr($x): ltrimstr($x) | rtrimstr($x);
def toarray: if isarray then . else [.] end;
def ascii: [.] | implode;
def recurse_down: recurse;
def isvalid(f): try (f | true) catch false;
def add(f): reduce f as $x (null; . + $x);
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;

def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def tostream:
  path(def r: (.[]? | r), .; r) as $p
  | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f):
  {x: null, e: false} as $start
  | foreach f as $i ($start;
      if .e then $start else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream | select(.[0] | length > $n) | setpath([0]; .[0][$n:]);
def have_literal_numbers: true;
def have_decnum: false;
def test($re): if $re | isarray then test($re[0]; $re[1] // "") else test($re; "") end;
def match($re): if $re | isarray then match($re[0]; $re[1] // "") else match($re; "") end;
def capture($re): if $re | isarray then capture($re[0]; $re[1] // "") else capture($re; "") end;
