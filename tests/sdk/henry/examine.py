"""What `henry` finds out about models and explores that are used and that are not; told as JSON."""

import csv
import glob
import json
import os
import subprocess
import sys
from pathlib import Path

import looker_sdk
from looker_sdk import models40 as models

# The SDK looks up what an error means on a page of Looker's; this test stays on this machine.
os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
PROGRAM = str(Path(sys.executable).with_name("henry"))
COMMANDS = ["analyze projects", "analyze models", "vacuum models"]


def run(*words, expected=0):
    done = subprocess.run([PROGRAM, *words, "--section", "admin"], capture_output=True, text=True, timeout=100)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


sdk = looker_sdk.init40("looker.ini", section="admin")
for status in ("new", "paid", "new"):
    asked = models.WriteQuery(
        model="sales", view="orders", fields=["orders.region", "orders.count"], filters={"orders.status": status}
    )
    sdk.run_inline_query("json", asked)
sdk.auth.logout()

told = {}
for command in COMMANDS:
    run(*command.split(), "--save", "--quiet")
    [file] = glob.glob(command.replace(" ", "_") + "_*.csv")
    with open(file) as rows:
        told[command] = [list(row.values()) for row in csv.DictReader(rows)]
pulse = run("pulse")
told["pulse"] = [pulse.count("Test "), pulse.count("| OK "), pulse.count("No results found")]
told["slowest"] = [[cell.strip() for cell in line.split("|")[1:-1]] for line in pulse.split("\n") if "| sales " in line]
for command in ("analyze explores", "vacuum explores"):
    # They filter by a field that Lookers have no more. Recorded.
    told[command] = "Invalid filter: history.workspace_id" in run(*command.split(), expected=1)
print(json.dumps(told))
