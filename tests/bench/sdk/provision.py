"""Make embed users with API keys through the official Python SDK: provision.py USERS THREADS."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import looker_sdk
import requests
from looker_sdk import models40

users, threads = (int(argument) for argument in sys.argv[1:])
sdk = looker_sdk.init40()
sdk.me(fields="id")  # Log in once, before the threads would all do it.
host = sdk.auth.settings.base_url
local = threading.local()
lock = threading.Lock()
keys = open("keys.jsonl", "w")


def web():
    """A session of this thread for what is not the API, so that its connection is used again."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session


def provision(number):
    external_user_id = f"python-{number}"
    signed = sdk.create_sso_embed_url(
        models40.EmbedSsoParams(
            target_url=f"{host}/embed/dashboards/1",
            external_user_id=external_user_id,
            first_name="Ada",
            last_name="Byron",
            models=["demo"],
            permissions=["access_data", "see_looks"],
            external_group_id=f"tenant-{number // 100}",
        )
    )
    answer = web().get(signed.url, allow_redirects=False)
    if answer.status_code != 302 or "/login" in answer.headers["Location"]:
        raise RuntimeError(f"{external_user_id}: the signed URL was refused")
    user = sdk.user_for_credential("embed", external_user_id, fields="id")
    key = sdk.create_user_credentials_api3(user.id)
    line = json.dumps(
        {
            "external_user_id": external_user_id,
            "client_id": key.client_id,
            "client_secret": key.client_secret,
        }
    )
    with lock:
        print(line, file=keys, flush=True)


with ThreadPoolExecutor(threads) as pool:
    for _ in pool.map(provision, range(users)):
        pass
sdk.auth.logout()
