#!/usr/bin/env python3
"""Stands in for `gh`: keeps issues in the JSON file GH_STUB, with every call. Knows what our scripts use of it."""

import json
import os
import sys
from pathlib import Path

file = Path(os.environ["GH_STUB"])
state = json.loads(file.read_text("utf-8")) if file.exists() else {"calls": [], "issues": []}
arguments = sys.argv[1:]
assert os.environ["GH_TOKEN"], "gh asks for a login without it"
assert os.environ["GH_REPO"], "gh looks for a checkout without it"
body = sys.stdin.read() if "--body-file" in arguments else ""
state["calls"].append({"command": " ".join(arguments[:2]), "arguments": arguments, "body": body})


def option(name: str) -> str:
    return arguments[arguments.index(name) + 1]


match arguments[:2]:
    case ["issue", "list"]:
        numbers = [n for n, issue in enumerate(state["issues"], 1) if issue == [option("--label"), "open"]]
        sys.stdout.writelines(f"{number}\n" for number in numbers)
    case ["issue", "create"]:
        state["issues"].append([option("--label"), "open"])
    case ["issue", "close"]:
        state["issues"][int(arguments[2]) - 1][1] = "closed"
    case ["issue", "comment"]:
        assert state["issues"][int(arguments[2]) - 1][1] == "open"
    case ["label", "create"]:
        pass
    case _:
        sys.exit(f"gh: no {arguments}")
file.write_text(json.dumps(state), encoding="utf-8")
