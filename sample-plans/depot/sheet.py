"""Writes the sheet for the loaders: the parameters come on standard input, the sheet goes to standard output."""

import json
import sys

given = json.load(sys.stdin)
for number, cart in enumerate(given["loads"], 1):
    print(f"cart {number}: {cart['kg']} kg, orders {', '.join(cart['orders'])}")
for item in given["short"]:
    print(f"short of {item['missing']} x {item['item']}")
