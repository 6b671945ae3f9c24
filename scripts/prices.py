#!/usr/bin/env python3
"""Writes src/models/prices/table.jsonl, the built-in prices of models, from the data of the crate genai-prices (MIT).

usage: python3 scripts/prices.py [VERSION] [--date YYYY-MM-DD]

The first line of the table names the data's version, the date of this generation and the page of each provider; each
further line is one model of one provider: the names that it goes by, its context window, and its prices, each list in
dollars per million tokens and with the date from which it holds. Models without a price for text are left out.

Prices that change within a day, and those of reasoning where it has one of its own, are written at their highest, so
that a cost is never counted too low. A price with more than six decimals is rounded up.
"""

import argparse
import datetime
import decimal
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent
TABLE = HERE / "src/models/prices/table.jsonl"
NAMES = {"google": "gemini", "x-ai": "xai", "moonshotai": "moonshot"}
PROVIDERS = [
    "openai", "anthropic", "google", "azure", "groq", "mistral", "openrouter", "deepseek", "together", "x-ai",
    "cerebras", "fireworks", "perplexity", "cohere", "moonshotai", "minimax", "zai",
]  # fmt: skip
CLASSES = {
    "input_mtok": "input",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "write",
    "cache_write_1h_mtok": "write_1h",
    "output_mtok": "output",
}


def data(version):
    """The crate's data file, fetched by cargo."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "src").mkdir()
        (folder / "src/lib.rs").touch()
        (folder / "Cargo.toml").write_text(
            f'[package]\nname = "prices"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\ngenai-prices = "={version}"\n'
        )
        command = ["cargo", "metadata", "--format-version", "1", "--manifest-path", folder / "Cargo.toml"]
        packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
        crate = next(package for package in packages if package["name"] == "genai-prices")
        return json.loads((pathlib.Path(crate["manifest_path"]).parent / "data/prices.json").read_text())


def number(value):
    """A price as text, exact to a picodollar a token, else rounded up."""
    exact = decimal.Decimal(str(value)).quantize(decimal.Decimal("0.000001"), rounding=decimal.ROUND_CEILING)
    return format(exact.normalize(), "f")


def classes(prices):
    """Base prices by class, and those above a number of input tokens: [[ABOVE, PRICES], …]."""
    base, above = {}, {}
    reasoning = prices.get("output_reasoning_mtok")
    if reasoning is not None and not isinstance(prices.get("output_mtok"), dict):
        # Usage does not always tell reasoning apart.
        prices = {**prices, "output_mtok": max(reasoning, prices["output_mtok"])}
    for key, name in CLASSES.items():
        price = prices.get(key)
        if isinstance(price, dict):
            base[name] = number(price["base"])
            for tier in price["tiers"]:
                above.setdefault(tier["start"], {})[name] = number(tier["price"])
        elif price is not None:
            base[name] = number(price)
    if "input" not in base or "output" not in base:
        return None
    tiers, now = [], dict(base)
    for start in sorted(above):
        now = {**now, **above[start]}
        tiers.append([start, now])
    return {**base, **({"above": tiers} if tiers else {})}


def highest(prices, other):
    """The higher of two prices, class by class."""
    result = dict(prices)
    for name, price in other.items():
        if name != "above" and decimal.Decimal(price) > decimal.Decimal(result.get(name, "0")):
            result[name] = price
    return result


def periods(model):
    """Prices with the date from which they hold, the oldest first."""
    prices = model["prices"]
    rows = prices if isinstance(prices, list) else [{"prices": prices}]
    dated, by_day = [], []
    for row in rows:
        price = classes(row["prices"])
        constraint = row.get("constraint") or {}
        if price is None:
            continue
        if "start_time" in constraint:
            by_day.append(price)
        else:
            start = constraint.get("start_date")
            dated.append({**({"from": start} if start else {}), **price})
    dated.sort(key=lambda row: row.get("from", ""))
    # A price for some hours stands beside the last one of the whole day.
    for price in by_day:
        if dated:
            dated[-1] = highest(dated[-1], price)
    return dated


def batch(model):
    for variant in model.get("price_variants", []):
        if variant["when"] == {"processing": "batch"}:
            price = classes({**{"input_mtok": None}, **variant["prices"]})
            if price:
                return {"input": price["input"], "output": price["output"]}
    return None


def names(match):
    """The literal names in a rule: what it equals or begins with. A rule that excludes something has none."""
    found = []
    for kind in ("equals", "starts_with"):
        if kind in match:
            found.append(match[kind].rstrip("-@:"))
    for rule in match.get("or", []):
        found += names(rule)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", nargs="?", default="0.2.1")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    options = parser.parse_args()
    providers = {provider["id"]: provider for provider in data(options.version)}
    head, lines = {}, []
    for identifier in PROVIDERS:
        provider = providers[identifier]
        name = NAMES.get(identifier, identifier)
        head[name] = provider["pricing_urls"][0]
        taken = {model["id"].lower() for model in provider["models"]}
        for model in provider["models"]:
            rows = periods(model)
            if not rows:
                continue
            others = []
            for other in names(model["match"]):
                if other and other.lower() not in taken:
                    taken.add(other.lower())
                    others.append(other)
            row = {"provider": name, "model": model["id"]}
            if others:
                row["names"] = others
            if model.get("context_window"):
                row["window"] = model["context_window"]
            row["prices"] = rows
            if batch(model):
                row["batch"] = batch(model)
            lines.append(row)
    first = {"data": f"genai-prices {options.version}", "date": options.date, "sources": head}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w") as table:
        for row in [first, *lines]:
            table.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{len(lines)} models of {len(head)} providers, {TABLE.stat().st_size >> 10} KB", file=sys.stderr)


if __name__ == "__main__":
    main()
