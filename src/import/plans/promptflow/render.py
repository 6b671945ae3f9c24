import json, sys

import jinja2

with open(sys.argv[1], encoding="utf-8") as file:
    template = jinja2.Template(file.read(), trim_blocks=True, keep_trailing_newline=True)
json.dump(template.render(**json.load(sys.stdin)), sys.stdout)
