"""Every operation that only reads, through its method in the official Python SDK, which makes its own types of the
answers; and what was read, written back where there is a method for that. Told as JSON.

A method is found by its source: `self.get(path=f"/users/{user_id}", ...)`.
"""

import inspect
import json
import re

from looker_sdk import error, methods40
from session import login

sdk = login("admin")

# What these take is not what is read at the same path, or has to be named in the query.
OTHERWISE = ["set_role_groups", "set_role_users", "set_user_roles", "validate_embed_url"]

CALL = re.compile(r"self\.(get|put|patch)\(\s*path=f?\"([^\"]+)\"")


def methods(verbs):
    """The name, the path and the function of each method that is called by one of `verbs`."""
    for name, function in inspect.getmembers(methods40.Looker40SDK, inspect.isfunction):
        found = CALL.search(inspect.getsource(function))
        if found and found[1] in verbs and name not in OTHERWISE:
            yield name, found[2], function


def parameters(function):
    """The names of the parameters that have to be given."""
    known = inspect.signature(function).parameters.values()
    return [one.name for one in known if one.default is inspect.Parameter.empty and one.name != "self"]


def ids():
    """One thing of each kind, by the name of the parameter that takes its id."""
    user = sdk.user_for_credential("embed", "acme-42")
    dashboards = sdk.search_dashboards(user_id=user.id)
    dashboard = sdk.dashboard(dashboards[0].id)
    folder = sdk.create_folder({"name": "Tenants", "parent_id": "1"})
    known = {
        "user_id": user.id,
        "group_id": sdk.all_groups()[-1].id,
        "role_id": sdk.all_roles()[-1].id,
        "permission_set_id": sdk.all_permission_sets()[-1].id,
        "model_set_id": sdk.all_model_sets()[-1].id,
        "user_attribute_id": sdk.all_user_attributes()[-1].id,
        "dashboard_id": dashboard.id,
        "look_id": sdk.search_looks(user_id=user.id)[0].id,
        "folder_id": folder.id,
        "board_id": sdk.all_boards()[0].id,
        "content_metadata_id": sdk.folder("1").content_metadata_id,
        "scheduled_plan_id": sdk.all_scheduled_plans(all_users=True)[0].id,
        "alert_id": sdk.search_alerts(all_owners=True)[0].id,
        "lookml_model_name": sdk.all_lookml_models()[0].name,
        "connection_name": sdk.all_connections()[0].name,
        "credentials_embed_id": sdk.all_user_credentials_embeds(user.id)[0].id,
        "credential_type": "embed",
        "credential_id": "acme-42",
        "api_version": "4.0",
        "specification": "swagger.json",
        "result_format": "json",
    }
    query = sdk.create_query({"model": "demo", "view": "orders", "fields": ["orders.count"]})
    return known | {"query_id": query.id, "slug": query.slug}


def main():
    known = ids()
    read, unserved, unknown, failed, written = {}, [], [], {}, []
    for name, path, function in methods({"get"}):
        needed = parameters(function)
        if any(one not in known for one in needed):
            unknown.append(name)
            continue
        try:
            answer = function(sdk, **{one: known[one] for one in needed})
        except error.SDKError as refusal:
            if "does not serve" in refusal.message:
                unserved.append(name)
            elif "not found" not in refusal.message.lower():
                failed[name] = refusal.message
            continue
        except Exception as trouble:  # The SDK could not make its types of the answer.
            failed[name] = f"{type(trouble).__name__}: {trouble}"[:300]
            continue
        read[path] = answer
    for name, path, function in methods({"put", "patch"}):
        needed = parameters(function)
        if path not in read or "body" not in needed or any(one not in known for one in needed if one != "body"):
            continue
        arguments = {one: known[one] for one in needed if one != "body"}
        try:
            function(sdk, **arguments, body=read[path])
            written.append(name)
        except error.SDKError as refusal:
            if "does not serve" not in refusal.message:
                failed[name] = refusal.message
        except Exception as trouble:
            failed[name] = f"{type(trouble).__name__}: {trouble}"[:300]
    told = {"read": len(read), "written": sorted(written), "unserved": unserved, "unknown": unknown, "failed": failed}
    print(json.dumps(told))


main()
sdk.logout()
