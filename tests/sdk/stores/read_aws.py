"""What AWS's client boto3 reads of a secret, as JSON: region and name are arguments, the rest variables."""

import json
import sys

import boto3

region, name = sys.argv[1:]
client = boto3.client("secretsmanager", region_name=region)
# moto gives the first version unless a stage is named; AWS gives this one.
read = client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
print(json.dumps({"value": json.loads(read["SecretString"]), "stages": read["VersionStages"]}))
