"""What the integration tests of the official Python SDK do, in words of our own; told as JSON."""

import datetime
import json
import os
import re
from urllib.parse import urlparse

from looker_sdk import error, models40 as models
from session import last, login, logout, strayed

sdk = login("admin")
told = {}

PEOPLE = [("Mary", "Shelley"), ("Percy", "Shelley"), ("George", "Byron"), ("Claire", "Clairmont")]
DOMAIN = "@villa.example"


def one_person(kind):
    """Create, impersonate, change, clear and delete a user; `kind` makes the bodies of requests."""
    user = sdk.create_user(kind(first_name="Mary", last_name="Godwin", is_disabled=False, locale="fr"))
    steps = [[user.first_name, user.last_name, user.is_disabled, user.locale, type(user.id).__name__]]
    token = sdk.login_user(user.id).access_token
    logout(sdk, token)
    sdk.auth.login_user(user.id)
    steps.append(["sudo", sdk.me().last_name == "Godwin"])
    sdk.auth.logout()
    steps.append(["back", sdk.me().last_name != "Godwin"])
    sdk.update_user(user.id, kind(is_disabled=True, locale="uk"))
    changed = sdk.user(user.id)
    steps.append([changed.first_name, changed.last_name, changed.is_disabled, changed.locale])
    nothing = None if kind is dict else models.EXPLICIT_NULL
    sdk.update_user(user.id, kind(first_name=nothing, last_name=nothing))
    cleared = sdk.user(user.id)
    steps.append([cleared.first_name, cleared.last_name])
    mail = models.WriteCredentialsEmail if kind is models.WriteUser else dict
    sdk.create_user_credentials_email(user.id, mail(email="mary.godwin@example.com"))
    steps.append([sdk.user(user.id).credentials_email.email])
    steps.append([sdk.delete_user(user.id)])
    return steps


def oneself():
    told["own_keys"] = [isinstance(key, models.CredentialsApi3) for key in sdk.me().credentials_api3]
    me = sdk.me("id, first_name, last_name")
    told["own_fields"] = [bool(me.id and me.first_name and me.last_name), me.display_name, me.email, me.personal_folder_id]


def searches():
    for first, last_name in PEOPLE:
        user = sdk.create_user(models.WriteUser(first_name=first, last_name=last_name))
        email = f"{first}.{last_name}{DOMAIN}".lower()
        sdk.create_user_credentials_email(user.id, models.WriteCredentialsEmail(email=email))
    told["nobody"] = sdk.search_users(first_name="Bad", last_name="News")
    found = sdk.search_users_names(pattern=f"percy.shelley{DOMAIN}")
    told["by_email"] = [[user.first_name, user.last_name, user.email] for user in found]
    told["by_first_name"] = [user.first_name for user in sdk.search_users_names(pattern="Percy")]
    spaced = sdk.create_user(models.WriteUser(first_name="Mary Jane", last_name="Clairmont"))
    told["by_two_words"] = [user.last_name for user in sdk.search_users_names(pattern="Mary Jane")]
    sdk.delete_user(spaced.id)
    found = sdk.search_users_names(pattern=f"%{DOMAIN}", sorts="last_name, first_name")
    told["by_domain"] = [f"{user.last_name} {user.first_name}" for user in found]
    ids = models.DelimSequence([user.id for user in found])
    told["by_ids"] = len(sdk.all_users(ids=ids))
    every = sdk.all_users()
    told["every_id"] = len(sdk.all_users(ids=models.DelimSequence([user.id for user in every]))) == len(every)


def workspaces():
    told["workspaces"] = [sdk.session().workspace_id]
    for name in ("dev", "production"):
        sdk.update_session(models.WriteApiSession(workspace_id=name))
        told["workspaces"].append(sdk.session().workspace_id)


def activity(**more):
    """A query of Looker's own model."""
    fields = ["dashboard.id", "dashboard.title", "dashboard.count"]
    return models.WriteQuery(model="system__activity", view="dashboard", fields=fields, **more)


def queries():
    query = sdk.create_query(activity(limit="3", vis_config={"type": "looker_column"}))
    text = sdk.run_query(query.id, "sql")
    told["sql"] = ["SELECT" in text, all(field in text for field in query.fields)]
    inline = activity(limit="3")
    for name, run in (
        ("run", lambda form: sdk.run_query(query.id, form)),
        ("run_inline", lambda form: sdk.run_inline_query(form, inline)),
    ):
        rows = json.loads(run("json"))
        told[name] = [len(rows), sorted(rows[0]), len(re.findall("\n", run("csv")))]
        told[f"{name}_forms"] = {form: kind_of(run(form)) for form in FORMS}
    task = models.WriteCreateQueryTask(query_id=query.id, source="test", result_format=models.ResultFormat.csv)
    told["task"] = sdk.create_query_task(task).result_format
    empty = sdk.create_query(activity(limit="2", filters={"dashboard.id": "-1"}))
    told["empty"] = {
        form: [sdk.run_query(empty.id, form, cache=cache) != "{}" for cache in (None, True)]
        for form in ("csv", "json", "json_detail", "txt", "md")
    }


FORMS = ["json", "json_bi", "json_detail", "json_label", "inline_json", "csv", "txt", "html", "md", "sql", "png", "jpg"]


def kind_of(answer):
    """What the SDK made of an answer, and what Looker called it."""
    return f"{type(answer).__name__} of {last['response_type'].split(';')[0]}"


def looks(home):
    query = sdk.create_query(models.WriteQuery(model="system__activity", view="dashboard", fields=["dashboard.count", "dashboard.id"], limit="100"))
    wish = dict(title="An SDK look", description="About activity", deleted=False, is_run_on_load=True, public=True)
    look = sdk.create_look(models.WriteLookWithQuery(**wish, query_id=query.id, folder_id=home))
    told["look"] = {name: look[name] for name in wish}
    told["look_is_of"] = [look.query_id == query.id, look.folder_id == home, look.user_id == sdk.me().id]
    binned = sdk.update_look(look.id, models.WriteLookWithQuery(deleted=True))
    told["look_binned"] = [binned.deleted, binned.title]
    told["look_back"] = sdk.update_look(look.id, models.WriteLookWithQuery(deleted=False)).deleted
    told["all_looks_have"] = all(one.title and one.created_at for one in sdk.search_looks())
    narrow = sdk.search_looks(fields="id, title, description", title="An SDK%")
    told["narrow_look"] = [[one.title, one.description, one.created_at] for one in narrow]
    told["look_runs"] = {
        form: sdk.run_look(look.id, form).split("\n")[0].split('":')[0] for form in ("csv", "json", "json_label")
    }
    png = sdk.content_thumbnail(type="look", resource_id=look.id, format="png")
    svg = sdk.content_thumbnail(type="look", resource_id=look.id, format="svg")
    told["thumbnails"] = [png[:4] == b"\x89PNG", "<?xml" in svg]


def colours():
    first = sdk.default_color_collection().id
    other = next(one.id for one in sdk.all_color_collections() if one.id != first)
    told["colours"] = [sdk.set_default_color_collection(one).id == one for one in (other, first)]


def dashboards(home):
    colours = {
        "background_color": "green",
        "text_tile_text_color": "#111111",
        "tile_background_color": "#222222",
        "tile_text_color": "#333333",
        "title_color": "#444444",
    }
    dashboard = sdk.create_dashboard(models.WriteDashboard(title="An SDK dashboard", folder_id=home, **colours))
    told["dashboard"] = [isinstance(dashboard.created_at, datetime.datetime), all(dashboard[one] == colours[one] for one in colours)]
    binned = sdk.update_dashboard(dashboard.id, models.WriteDashboard(deleted=True))
    told["dashboard_binned"] = [binned.deleted, binned.title]
    told["dashboard_back"] = sdk.update_dashboard(dashboard.id, models.WriteDashboard(deleted=False)).deleted
    wish = {
        "name": "Regions",
        "title": "Regions",
        "type": "field_filter",
        "default_value": "A%,B%",
        "model": "demo",
        "explore": "orders",
        "dimension": "orders.region",
        "row": 0,
        "allow_multiple_values": True,
        "required": False,
    }
    chosen = sdk.create_dashboard_filter(models.WriteCreateDashboardFilter(dashboard_id=dashboard.id, **wish))
    told["filter_is_as_wished"] = {name: chosen[name] for name in wish} == wish
    query = sdk.create_query(activity(limit="10")).id
    told["tiles"] = []
    for kind, shown in (("text", None), ("vis", query), ("data", query)):
        wish = {"title": f"A tile of {kind}", "type": kind, "subtitle_text": "Below", "body_text": "In it"}
        tile = sdk.create_dashboard_element(models.WriteDashboardElement(dashboard_id=dashboard.id, query_id=shown, **wish))
        told["tiles"].append([tile.title, tile.type, tile.dashboard_id == dashboard.id, tile.query_id == shown])


def themes():
    settings = {"show_filters_bar": False, "show_title": False, "tile_shadow": False}
    good = models.WriteTheme(name="valid_theme", settings=models.ThemeSettings(**settings, font_family="Arial"))
    told["good_theme"] = sdk.validate_theme(good)
    try:
        sdk.validate_theme(models.WriteTheme(settings=models.ThemeSettings(**settings, font_family="Arial;")))
    except error.SDKError as refusal:
        told["bad_theme"] = [bool(refusal.message), len(refusal.errors)]


def netrc():
    """A key in `.netrc` for the same host changes nothing."""
    host = urlparse(sdk.auth.settings.base_url).hostname
    with open(".netrc", "w") as file:
        file.write(f"machine {host}\n  login other\n  password wrong\n")
    os.chmod(".netrc", 0o600)
    os.environ["NETRC"] = os.path.abspath(".netrc")
    other = login("admin")
    told["netrc_is_passed_over"] = other.me().id == sdk.me().id
    other.auth.logout()


told["person"] = one_person(models.WriteUser)
told["person_of_dict"] = one_person(dict) == told["person"]
oneself()
searches()
workspaces()
home = sdk.me().personal_folder_id
dashboards(home)
queries()
looks(home)
colours()
themes()
netrc()
sdk.auth.logout()
told["strayed"] = strayed
print(json.dumps(told))
