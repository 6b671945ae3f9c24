"""The desk of a depot: an MCP server on standard input and output, which serves its orders and its stock over HTTP on this
machine while it is running. It needs nothing but Python 3."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ORDERS = [
    {"id": "A1", "item": "oats", "pieces": 12, "kg": 240},
    {"id": "A2", "item": "barley", "pieces": 4, "kg": 100},
    {"id": "A3", "item": "oats", "pieces": 9, "kg": 180},
    {"id": "A4", "item": "salt", "pieces": 30, "kg": 60},
    {"id": "A5", "item": "barley", "pieces": 6, "kg": 150},
    {"id": "A6", "item": "hay", "pieces": 15, "kg": 310},
]
STOCK = {"barley": 12, "hay": 20, "oats": 18, "salt": 25}
PAGE = 4


class Desk(BaseHTTPRequestHandler):
    def do_GET(self):
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path == "/orders":
            start = int(query.get("from", 0))
            more = start + PAGE < len(ORDERS)
            answer = {"orders": ORDERS[start : start + PAGE], "next": f"/orders?from={start + PAGE}" if more else None}
        else:
            item = query["item"]
            answer = {"item": item, "pieces": STOCK.get(item, 0)}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


TOOLS = [
    {
        "name": "open_desk",
        "description": "Opens the desk for a day.",
        "inputSchema": {"type": "object", "properties": {"date": {"type": "string"}}, "required": ["date"]},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "file_sheet",
        "description": "Files the sheet of the day.",
        "inputSchema": {"type": "object", "properties": {"sheet": {"type": "string"}}, "required": ["sheet"]},
    },
]


def call(name, arguments, address):
    if name == "open_desk":
        return {"date": arguments["date"], "address": address}
    lines = arguments["sheet"].splitlines()
    return {"number": "2026-1", "lines": len(lines), "first": lines[0]}


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        method, params = message.get("method"), message.get("params") or {}
        if method == "initialize":
            answer["result"] = {
                "protocolVersion": params.get("protocolVersion", "2025-11-25"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "desk", "version": "1"},
            }
        elif method == "tools/list":
            answer["result"] = {"tools": TOOLS}
        elif method == "tools/call":
            result = call(params["name"], params.get("arguments") or {}, address)
            answer["result"] = {"content": [{"type": "text", "text": json.dumps(result)}], "structuredContent": result}
        elif method == "ping":
            answer["result"] = {}
        else:
            answer["error"] = {"code": -32601, "message": f"there is no method {method}"}
        print(json.dumps(answer), flush=True)


main()
