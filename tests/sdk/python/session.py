"""Sessions of the official Python SDK that stay on this machine and are written down."""

import json

import looker_sdk
import requests
from looker_sdk import error

# Where the SDK tried to go besides the Looker it was pointed at.
strayed = []

# The last exchange.
last = {}


def refuse(url, *_args, **_kwargs):
    strayed.append(url)
    raise requests.exceptions.ConnectionError("this test stays on this machine")


# The SDK answers an API error by fetching an article about it, without a time limit. Its own calls go through a
# session, not through this function.
error.requests.get = refuse

send_unrecorded = requests.Session.send


def send(session, request, **options):
    """Send a request, and write the exchange into `exchanges.jsonl` for `contract.py`."""
    response = send_unrecorded(session, request, **options)
    body = request.body
    exchange = {
        "method": request.method,
        "url": request.url,
        "request_type": request.headers.get("Content-Type"),
        "request_body": body.decode() if isinstance(body, bytes) else body,
        "status": response.status_code,
        "response_type": response.headers.get("Content-Type"),
        "response_body": response.text,
    }
    last.update(exchange)
    with open("exchanges.jsonl", "a") as file:
        print(json.dumps(exchange), file=file)
    return response


requests.Session.send = send


def login(section):
    """A session with the key in this section of `looker.ini`."""
    return looker_sdk.init40("looker.ini", section=section)


def logout(sdk, token):
    """End a token that the SDK gave away instead of keeping."""
    url = f"{sdk.auth.settings.base_url}/api/4.0/logout"
    requests.Session().delete(url, headers={"Authorization": f"token {token}"}).raise_for_status()
