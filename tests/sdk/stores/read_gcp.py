"""What Google's client reads of a secret's current version, as JSON: endpoint, project and name are arguments."""

import json
import os
import sys

from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport
from google.oauth2.credentials import Credentials

endpoint, project, name = sys.argv[1:]
scheme, host = endpoint.rstrip("/").split("://")
transport = SecretManagerServiceRestTransport(
    host=host, url_scheme=scheme, credentials=Credentials(os.environ["GOOGLE_OAUTH_ACCESS_TOKEN"])
)
client = secretmanager_v1.SecretManagerServiceClient(transport=transport)
secret = f"projects/{project}/secrets/{name}"
read = client.access_secret_version(name=f"{secret}/versions/current")
known = client.get_secret(name=secret)
print(json.dumps({"value": json.loads(read.payload.data), "aliases": dict(known.version_aliases), "labels": dict(known.labels)}))
