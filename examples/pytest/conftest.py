"""Fixtures that give a test session a Looker of its own: no licence, no network, no shared state.

They need `embedctl` on the path, or its place in the variable `EMBEDCTL`.
"""

import json
import os
import subprocess
from urllib.request import urlopen

import pytest

EMBEDCTL = os.environ.get("EMBEDCTL", "embedctl")


@pytest.fixture(scope="session")
def looker():
    """What the local Looker says of itself: base_url, client_id, client_secret, embed_secret and more."""
    process = subprocess.Popen([EMBEDCTL, "emulator", "--strict", "-o", "json"], stdout=subprocess.PIPE, text=True)
    try:
        listening = json.loads(process.stdout.readline())
        yield listening
        with urlopen(f"{listening['base_url']}/__emulator/violations") as answer:
            violations = json.load(answer)
    finally:
        process.terminate()
        process.wait(timeout=10)
    assert violations == [], "Looker has no use for this"


@pytest.fixture
def as_admin(looker, monkeypatch, tmp_path):
    """Variables that make embedctl and Looker's own SDKs the administrator of the local Looker."""
    monkeypatch.setenv("LOOKERSDK_BASE_URL", looker["base_url"])
    monkeypatch.setenv("LOOKERSDK_CLIENT_ID", looker["client_id"])
    monkeypatch.setenv("LOOKERSDK_CLIENT_SECRET", looker["client_secret"])
    monkeypatch.setenv("LOOKERSDK_EMBED_SECRET", looker["embed_secret"])
    monkeypatch.setenv("EMBEDCTL_EMBED_ALGORITHM", looker["algorithm"])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def embedctl(as_admin):
    """A function that runs embedctl and gives its result."""

    def run(*args):
        command = [EMBEDCTL, *args, "--output", "json", "--no-input"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    return run
