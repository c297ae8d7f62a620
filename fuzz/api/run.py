#!/usr/bin/env python3
"""Fuzzes a running service by its own OpenAPI document, as one role, or says whether all of it was reached:

    run.py anonymous | customer | operator | reached

scripts/fuzz-api starts a service and calls it with each of these. It gets API, ADMIN and LOAD_PASSWORD from
scripts/load-local, SCHEMATHESIS from scripts/fuzz-api; EXAMPLES (20) and SEED are for people. Needs nothing but Python.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

API, ADMIN = os.environ["API"], os.environ["ADMIN"]
HERE = Path(__file__).resolve().parent

EMAILS = {"customer": "load-1@example.com", "operator": "load-operator@example.com"}


def call(method, path, token=None, body=None):
    request = urllib.request.Request(API + path, method=method)
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, data, timeout=60) as answer:
        return json.load(answer)


def log_in(email):
    return call("POST", "/api/v1/sessions", body={"email": email, "password": os.environ["LOAD_PASSWORD"]})["access_token"]


def orders(products, steps):
    """Orders of the customer and of somebody else, so many steps on their way."""
    operator, placed = log_in(EMAILS["operator"]), []
    for email in (EMAILS["customer"], EMAILS["customer"], "load-2@example.com"):
        token = log_in(email)
        for step in range(len(steps) + 1):
            lines = [{"product_id": products[step], "quantity": 1}]
            order = call("POST", "/api/v1/orders", token, {"items": lines})["id"]
            for name in steps[:step]:
                call("POST", f"/api/v1/orders/{order}/{name}", operator, {})
            placed.append(order)
    return placed


def fuzz(role):
    products = [product["id"] for product in call("GET", "/api/v1/products?limit=100")["items"]]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "FUZZ_PRODUCTS": " ".join(products),
        "FUZZ_ORDERS": " ".join(orders(products, ["pay", "ship", "deliver"])),
    }
    command = [os.environ["SCHEMATHESIS"], "run", API + "/openapi.json", "--checks", "all"]
    command += ["--max-examples", os.environ.get("EXAMPLES", "20"), "--continue-on-failure", "--warnings", "off"]
    command += ["--request-timeout", "30", "--no-color"]
    if seed := os.environ.get("SEED"):
        command += ["--seed", seed]
    if role != "anonymous":
        command += ["--header", f"Authorization: Bearer {log_in(EMAILS[role])}"]
    print(f"fuzz-api: as {role}", flush=True)
    return subprocess.run(command, env=environment, cwd=os.environ["FUZZ_FOLDER"], check=False).returncode


def counted():
    """How often each operation was answered with each status, from the service's own counters."""
    with urllib.request.urlopen(ADMIN + "/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    found = {}
    for line in lines:
        if line.startswith("http_requests_total{"):
            labels, value = line.removeprefix("http_requests_total{").rsplit("} ", 1)
            label = dict(part.split("=", 1) for part in labels.replace('"', "").split(","))
            key = (label["method"], label["path"], int(label["status"]))
            found[key] = found.get(key, 0) + float(value)
    return found


def reached():
    """Every operation did once what it is for; nothing ever failed."""
    answers, missed = counted(), []
    for path, methods in call("GET", "/openapi.json")["paths"].items():
        for method in methods:
            done = sum(
                count
                for (its, where, status), count in answers.items()
                if (its, where) == (method.upper(), path) and 200 <= status < 400
            )
            if not done:
                missed.append(f"{method.upper()} {path}")
    broken = [f"{method} {path}: {status}" for (method, path, status), count in answers.items() if status >= 500 and count]
    for what, found in (("never succeeded", missed), ("failed", broken)):
        for one in found:
            print(f"fuzz-api: {one} {what}")
    if not missed and not broken:
        print(f"fuzz-api: {int(sum(answers.values()))} requests, every operation succeeded, no 5xx")
    return 1 if missed or broken else 0


try:
    sys.exit(reached() if sys.argv[1] == "reached" else fuzz(sys.argv[1]))
except urllib.error.HTTPError as error:
    sys.exit(f"fuzz-api: {error.url}: {error.code} {error.read().decode()}")
