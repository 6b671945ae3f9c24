// Lays out the graph on standard input ({"nodes": count, "edges": [[from, to], …]}) with dagre and prints the
// milliseconds of processor time that took, without the start of Node. The first argument is the folder that dagre is installed in.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const require = createRequire(resolve(process.argv[2], "package.json"));
const dagre = require("@dagrejs/dagre");
const { nodes, edges } = JSON.parse(readFileSync(0, "utf8"));
const graph = new dagre.graphlib.Graph();
graph.setGraph({ nodesep: 20, ranksep: 20 });
graph.setDefaultEdgeLabel(() => ({}));
for (let node = 0; node < nodes; node++) graph.setNode(String(node), { width: 180, height: 40 });
for (const [from, to] of edges) graph.setEdge(String(from), String(to));
const start = process.cpuUsage();
dagre.layout(graph);
const { user, system } = process.cpuUsage(start);
console.log(((user + system) / 1000).toFixed(2));
