"""`lmanage` writes the settings and the content of a Looker into files, and makes them anew from these; told as JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import looker_sdk
from looker_sdk import models40 as models

# The SDK looks up what an error means on a page of Looker's; this test stays on this machine.
os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
PROGRAM = str(Path(sys.executable).with_name("lmanage"))

# Looker's own attributes that lmanage does not know to be such: what its file does not name, it deletes.
SYSTEM = ["timezone", "ldap_user_id", "saml_user_id", "oidc_user_id"]
ATTRIBUTE = """- !LookerUserAttribute
  name: {}
  uatype: string
  hidden_value: false
  user_view: 'True'
  user_edit: 'False'
  default_value:
  teams: []
"""


def run(command):
    words = [PROGRAM, command, "--config-dir", "kept", "--ini-file", os.path.abspath("looker.ini"), "--force"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def content(sdk):
    """What can be told of folders, dashboards and looks without their ids."""
    shared = [one for one in sdk.all_dashboards(fields="id,folder") if one.folder.name in ("Shared", "Reports")]
    dashboards = [sdk.dashboard(one.id) for one in shared]
    return {
        "folders": [one.name for one in sdk.folder_children("1")],
        "dashboards": sorted(
            [
                one.folder.name,
                one.title,
                [[tile.title, tile.type, tile.query and [tile.query.view, tile.query.fields]] for tile in one.dashboard_elements],
                [[each.title, each.dimension, each.default_value] for each in one.dashboard_filters],
            ]
            for one in dashboards
        ),
        "looks": sorted([one.folder.name, one.title, one.query.fields] for one in map(sdk.look, ids(sdk.all_looks()))),
        # The names of sets come out in lower case, and of a set that was there already there are two then.
        "roles": sorted([one.name, one.permission_set.name.lower(), one.model_set.name] for one in sdk.all_roles()),
        "sets": sorted({(one.name.lower(), *sorted(one.permissions)) for one in sdk.all_permission_sets()}),
        "attributes": [one.name for one in sdk.all_user_attributes()],
    }


def ids(things):
    return [thing.id for thing in things]


def slugs_of(sdk):
    return sorted(one.slug for one in sdk.all_dashboards(fields="slug"))


def make(sdk):
    """Something of everything to keep."""
    folder = sdk.create_folder(models.CreateFolder(name="Reports", parent_id="1")).id
    viewers = sdk.search_groups(name="Demo")[0]
    access = models.ContentMetaGroupUser(
        content_metadata_id=sdk.folder(folder).content_metadata_id,
        permission_type=models.PermissionType.view,
        group_id=viewers.id,
    )
    sdk.create_content_metadata_access(access)
    fields = ["orders.region", "orders.count"]
    query = sdk.create_query(models.WriteQuery(model="demo", view="orders", fields=fields, limit="7"))
    dashboard = sdk.create_dashboard(models.WriteDashboard(title="Sales: 2026 & on", folder_id=folder)).id
    for tile in (
        models.WriteDashboardElement(dashboard_id=dashboard, title="By region", type="vis", query_id=query.id),
        models.WriteDashboardElement(dashboard_id=dashboard, title="", type="text", body_text='In "words"\nof ours'),
    ):
        sdk.create_dashboard_element(tile)
    chosen = models.WriteCreateDashboardFilter(
        dashboard_id=dashboard, name="Region", title="Region", type="field_filter",
        model="demo", explore="orders", dimension="orders.region", default_value="EMEA,APAC",
    )
    sdk.create_dashboard_filter(chosen)
    sdk.create_look(models.WriteLookWithQuery(title="Regions", query_id=query.id, folder_id=folder))


sdk = looker_sdk.init40("looker.ini")
make(sdk)
before = content(sdk)
os.mkdir("kept")
run("capturator")
with open("kept/settings.yaml", "a") as file:
    file.writelines(ATTRIBUTE.format(name) for name in SYSTEM)
slugs = slugs_of(sdk)
old = set(ids(sdk.all_dashboards()))
run("configurator")
after = content(sdk)
told = {
    "new": old.isdisjoint(ids(sdk.all_dashboards())),
    "lost": {name: [before[name], after[name]] for name in before if before[name] != after[name]},
    "dashboards": after["dashboards"],
    "same_slugs": slugs == slugs_of(sdk),
}
sdk.auth.logout()
print(json.dumps(told))
