"""Holds recorded exchanges against an OpenAPI description; what does not fit is told as JSON on standard output.

    contract.py DESCRIPTION EXCHANGES

EXCHANGES has one JSON object a line, as `session.py` and `session.mjs` write them.
"""

import json
import sys
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.finders import APICallPathFinder
from werkzeug.datastructures import Headers, ImmutableMultiDict

# Looker answers 401 to a request without a valid token, and describes it nowhere.
UNDESCRIBED = {401}


class Request:
    """A recorded request, as the validator wants to see one."""

    def __init__(self, exchange):
        url = urlsplit(exchange["url"])
        self.host_url = f"{url.scheme}://{url.netloc}"
        self.path = url.path
        self.method = exchange["method"].lower()
        self.content_type = exchange["request_type"] or ""
        self.body = (exchange["request_body"] or "").encode() or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(url.query, keep_blank_values=True)),
            header=Headers({"Content-Type": self.content_type}),
        )


class Response:
    """A recorded response, as the validator wants to see one."""

    def __init__(self, exchange):
        self.status_code = exchange["status"]
        self.content_type = exchange["response_type"] or ""
        self.data = (exchange["response_body"] or "").encode()
        self.headers = Headers({"Content-Type": self.content_type})


def as_meant(part):
    """The description in terms of OpenAPI, where it says things its own way."""
    if isinstance(part, list):
        return [as_meant(below) for below in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "any":
        # No type of OpenAPI's; anything goes.
        return {}
    part = {name: as_meant(below) for name, below in part.items()}
    if part.get("nullable") and "enum" in part:
        part["enum"] = [*part["enum"], None]
    if part.get("operationId") in ("run_query", "run_inline_query"):
        # The text of the answer is a string, whatever stands in it.
        part["responses"]["200"]["content"]["application/json"]["schema"] = {}
    return part


def as_recorded(description):
    """The description with what real Lookers were recorded to answer against it, and with what is newer than it.

    A kind of credential that a user has none of is null, where the description allows no null.
    """
    schemas = description["components"]["schemas"]
    user = schemas["User"]["properties"]
    for name, field in user.items():
        schema = field.get("$ref", "").rsplit("/", 1)[-1]
        if name.startswith("credentials_") and schema:
            schemas[f"{schema}OrNull"] = {**schemas[schema], "nullable": True}
            user[name] = {"$ref": f"#/components/schemas/{schema}OrNull"}
    # Since 26.18.
    user["is_embed_user"] = {"type": "boolean", "readOnly": True}
    return description


def without_required(part):
    """The description of what an answer may hold when the request asked for some fields only."""
    if isinstance(part, list):
        return [without_required(below) for below in part]
    if not isinstance(part, dict):
        return part
    return {
        name: without_required(below)
        for name, below in part.items()
        if not (name == "required" and isinstance(below, list))
    }


def reasons(error):
    """An error of the validator in one line, down to the field."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    details = [
        f"{'/'.join(map(str, detail.absolute_path)) or 'body'}: {detail.message[:200]}"
        for detail in getattr(cause, "schema_errors", [])
    ]
    return "; ".join(details) or str(cause)[:300] or type(cause).__name__


def main(description_path, exchanges_path):
    with open(description_path) as file:
        description = as_recorded(as_meant(json.load(file)))
    with open(exchanges_path) as file:
        exchanges = [json.loads(line) for line in file]
    # The Python SDK logs out where no description says that one can, and where every Looker lets it.
    exchanges = [one for one in exchanges if not one["url"].endswith("/api/logout")]
    hosts = {Request(exchange).host_url for exchange in exchanges}
    description["servers"] = [{"url": f"{host}/api/4.0"} for host in hosts]
    for schema in description["components"]["schemas"].values():
        # The description leaves it open; a field that it does not name is a mistake all the same.
        schema.update({"type": "object", "additionalProperties": False})
        if all(field.get("readOnly") for field in schema["properties"].values()):
            # The body of a request all the same, as `GroupIdForGroupUserInclusion` is.
            for field in schema["properties"].values():
                field.pop("readOnly")
    unchecked = Config(spec_validator_cls=None)
    contract = OpenAPI.from_dict(description, config=unchecked)
    contract_of_some_fields = OpenAPI.from_dict(without_required(description), config=unchecked)

    problems, seen, statuses = [], set(), {}
    for exchange in exchanges:
        request, response = Request(exchange), Response(exchange)
        name = f"{request.method.upper()} {request.path}"
        try:
            found = APICallPathFinder(contract.spec).find(request.method, request.host_url + request.path)
            operation = found.operation["operationId"]
        except Exception as error:
            problems.append(f"{name}: {reasons(error)}")
            continue
        seen.add(operation)
        statuses.setdefault(operation, set()).add(response.status_code)
        # A request that was refused is allowed to be wrong.
        if response.status_code < 400:
            errors = contract.iter_request_errors(request)
            problems += [f"{operation}: request: {reasons(error)}" for error in errors]
        if response.status_code == 204:
            # The description gives it a body of type string, which HTTP does not allow.
            if response.data or "204" not in found.operation["responses"]:
                problems.append(f"{operation}: 204: not described, or with a body")
        elif response.status_code not in UNDESCRIBED:
            some_fields = "fields" in request.parameters.query
            errors = (contract_of_some_fields if some_fields else contract).iter_response_errors(request, response)
            problems += [f"{operation}: {response.status_code}: {reasons(error)}" for error in errors]

    every = {
        operation["operationId"]
        for path in description["paths"].values()
        for operation in path.values()
    }
    print(
        json.dumps(
            {
                "exchanges": len(exchanges),
                "operations": len(seen),
                "problems": sorted(set(problems)),
                "never_called": sorted(every - seen),
                "statuses": {name: sorted(codes) for name, codes in sorted(statuses.items())},
            }
        )
    )


main(*sys.argv[1:])
