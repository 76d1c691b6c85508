"""What the official Python SDK makes of an embed user and its key: told as JSON on standard output."""

import json
import sys

from looker_sdk import error
from session import login, strayed

external_user_id = sys.argv[1]

user = login("user")
me = user.me()

admin = login("admin")
found = admin.user_for_credential("embed", external_user_id)
before = admin.all_user_credentials_api3s(found.id)
minted = admin.create_user_credentials_api3(found.id)
during = admin.all_user_credentials_api3s(found.id)
admin.delete_user_credentials_api3(found.id, minted.id)
after = admin.all_user_credentials_api3s(found.id)

try:
    admin.user_for_credential("embed", "nobody of this name")
    missing = None
except error.SDKError as refusal:
    missing = refusal.message

user.auth.logout()
admin.auth.logout()

print(
    json.dumps(
        {
            "me": me.id,
            "me_external_user_ids": [credentials.external_user_id for credentials in me.credentials_embed],
            "found": found.id,
            "keys_before": [key.client_id for key in before],
            "minted": minted.client_id,
            "minted_secret_length": len(minted.client_secret),
            "keys_during": [key.client_id for key in during],
            "keys_after": [key.client_id for key in after],
            "missing": missing,
            "logged_out": not user.auth.is_authenticated and not admin.auth.is_authenticated,
            "strayed": strayed,
        }
    )
)
