"""What Vault's client hvac reads of a secret, as JSON: address, token, mount and path are arguments and variables."""

import json
import os
import sys

import hvac

client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
mount, path = sys.argv[1:]
read = client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
print(json.dumps({"value": read["data"]["data"], "version": read["data"]["metadata"]["version"]}))
