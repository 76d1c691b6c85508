"""Folders, dashboards, looks, schedules, alerts, boards and access, through the official Python SDK; told as JSON."""

import json

from looker_sdk import error, models40 as models
from session import login, strayed

sdk = login("admin")
told = {}


def missing(call):
    """Whether Looker answers that there is no such thing."""
    try:
        call()
        return False
    except error.SDKError as refusal:
        return "not found" in refusal.message.lower()


def folders(home):
    reports = sdk.create_folder(models.CreateFolder(name="Reports", parent_id=home))
    inner = sdk.create_folder(models.CreateFolder(name="2026", parent_id=reports.id))
    told["folder"] = [sdk.folder(inner.id).name, sdk.folder_parent(inner.id).name]
    told["children"] = [folder.name for folder in sdk.folder_children(reports.id)]
    told["ancestors"] = reports.id in [folder.id for folder in sdk.folder_ancestors(inner.id)]
    told["renamed_folder"] = sdk.update_folder(inner.id, models.UpdateFolder(name="2027")).name
    told["folders_by_name"] = [folder.name for folder in sdk.search_folders(name="202%", parent_id=reports.id)]
    told["all_folders"] = inner.id in [folder.id for folder in sdk.all_folders(fields="id,name")]
    sdk.delete_folder(inner.id)
    told["deleted_folder_is_gone"] = missing(lambda: sdk.folder(inner.id))
    return reports.id


def dashboards(home, folder):
    sales = sdk.create_dashboard(models.WriteDashboard(title="Sales", folder_id=folder))
    told["dashboard"] = [sdk.dashboard(sales.id).title, sdk.dashboard(sales.id).folder.id == folder]
    told["renamed_dashboard"] = sdk.update_dashboard(sales.id, models.WriteDashboard(title="Sales 2026")).title
    copy = sdk.copy_dashboard(sales.id, folder_id=home)
    # No two dashboards of a folder have the same title.
    sdk.update_dashboard(copy.id, models.WriteDashboard(title="Sales, a copy"))
    moved = sdk.move_dashboard(copy.id, folder)
    told["copied_and_moved"] = [copy.id != sales.id, moved.folder.id == folder]
    told["folder_dashboards"] = len(sdk.folder_dashboards(folder))
    found = sdk.search_dashboards(folder_id=folder, title="Sales%", sorts="id")
    told["dashboards_found"] = [dashboard.id for dashboard in found] == [sales.id, copy.id]
    trashed = sdk.update_dashboard(copy.id, models.WriteDashboard(deleted=True))
    told["trashed"] = [trashed.deleted, len(sdk.search_dashboards(folder_id=folder, deleted=True))]
    sdk.delete_dashboard(copy.id)
    told["deleted_dashboard_is_gone"] = missing(lambda: sdk.dashboard(copy.id))
    told["all_dashboards"] = sales.id in [dashboard.id for dashboard in sdk.all_dashboards(fields="id")]
    return sales.id


def looks(home, folder):
    query = sdk.create_query(models.WriteQuery(model="demo", view="orders", fields=["orders.count"], limit="10"))
    told["query"] = [sdk.query(query.id).view, sdk.query(query.id).fields]
    told["rows"] = len(json.loads(sdk.run_query(query.id, "json"))) > 0
    inline = models.WriteQuery(model="demo", view="orders", fields=["orders.count"])
    told["inline_rows"] = len(json.loads(sdk.run_inline_query("json", inline))) > 0
    look = sdk.create_look(models.WriteLookWithQuery(title="Orders", query_id=query.id, folder_id=folder))
    told["look"] = [sdk.look(look.id).title, sdk.look(look.id).folder_id == folder]
    told["renamed_look"] = sdk.update_look(look.id, models.WriteLookWithQuery(title="All orders")).title
    told["moved_look"] = sdk.move_look(look.id, home).folder_id == home
    sdk.move_look(look.id, folder)
    told["folder_looks"] = [one.title for one in sdk.folder_looks(folder)]
    told["looks_found"] = [one.id for one in sdk.search_looks(title="all ord%")] == [look.id]
    told["all_looks"] = look.id in [one.id for one in sdk.all_looks(fields="id")]
    return look.id


def schedules(dashboard):
    plan = sdk.create_scheduled_plan(
        models.WriteScheduledPlan(
            name="Every morning",
            dashboard_id=dashboard,
            crontab="0 6 * * *",
            timezone="Europe/Berlin",
            scheduled_plan_destination=[
                models.ScheduledPlanDestination(type="email", format="wysiwyg_pdf", address="ada@example.com")
            ],
        )
    )
    told["plan"] = [sdk.scheduled_plan(plan.id).name, sdk.scheduled_plan(plan.id).dashboard_id == dashboard]
    told["paused"] = sdk.update_scheduled_plan(plan.id, models.WriteScheduledPlan(enabled=False)).enabled
    told["plans"] = [one.id for one in sdk.all_scheduled_plans(all_users=True)] == [plan.id]
    told["plans_found"] = [one.id for one in sdk.search_scheduled_plans(name="Every%", all_users=True)] == [plan.id]
    sdk.delete_scheduled_plan(plan.id)
    told["deleted_plan_is_gone"] = missing(lambda: sdk.scheduled_plan(plan.id))


def alerts(owner):
    alert = sdk.create_alert(
        models.WriteAlert(
            comparison_type=models.ComparisonType.GREATER_THAN,
            cron="0 * * * *",
            destinations=[
                models.AlertDestination(
                    destination_type=models.DestinationType.EMAIL, email_address="ada@example.com"
                )
            ],
            field=models.AlertField(title="Orders", name="orders.count"),
            owner_id=owner,
            threshold=100.0,
            custom_title="Many orders",
        )
    )
    told["alert"] = [sdk.get_alert(alert.id).custom_title, sdk.get_alert(alert.id).owner_id == owner]
    sdk.follow_alert(alert.id)
    told["followed"] = sdk.get_alert(alert.id).followed
    sdk.unfollow_alert(alert.id)
    told["unfollowed"] = sdk.get_alert(alert.id).followed
    told["raised"] = int(sdk.update_alert_field(alert.id, models.AlertPatch(threshold=200.0)).threshold)
    told["alerts"] = [one.id for one in sdk.search_alerts(all_owners=True)] == [alert.id]
    told["rewritten"] = sdk.update_alert(
        alert.id,
        models.WriteAlert(
            comparison_type=models.ComparisonType.LESS_THAN,
            cron="0 * * * *",
            destinations=alert.destinations,
            field=models.AlertField(title="Orders", name="orders.count"),
            owner_id=owner,
            threshold=5.0,
        ),
    ).threshold
    told["rewritten"] = int(told["rewritten"])


def boards(dashboard, look, owner, group):
    board = sdk.create_board(models.WriteBoard(title="Start here", description="What matters"))
    told["board"] = [sdk.board(board.id).title, sdk.board(board.id).user_id == owner]
    told["board_text"] = sdk.update_board(board.id, models.WriteBoard(description="What matters now")).description
    told["boards"] = [one.id for one in sdk.all_boards()] == [board.id]
    told["boards_found"] = [one.id for one in sdk.search_boards(title="Start%")] == [board.id]

    metadata = sdk.dashboard(dashboard).content_metadata_id
    favorite = sdk.create_content_favorite(models.WriteContentFavorite(content_metadata_id=metadata))
    told["favorite"] = sdk.content_favorite(favorite.id).content_metadata_id == metadata
    told["favorites"] = [one.id for one in sdk.search_content_favorites(dashboard_id=dashboard)] == [favorite.id]
    sdk.delete_content_favorite(favorite.id)
    told["favorites_left"] = len(sdk.search_content_favorites(dashboard_id=dashboard))

    shelf = sdk.look(look).folder.content_metadata_id
    told["metadata"] = sdk.content_metadata(shelf).id == shelf
    access = sdk.create_content_metadata_access(
        models.ContentMetaGroupUser(
            content_metadata_id=shelf, permission_type=models.PermissionType.view, group_id=group
        )
    )
    told["granted"] = access.permission_type
    edited = sdk.update_content_metadata_access(
        access.id, models.ContentMetaGroupUser(permission_type=models.PermissionType.edit)
    )
    told["raised_access"] = edited.permission_type
    told["accesses"] = group in [one.group_id for one in sdk.all_content_metadata_accesses(shelf)]
    sdk.delete_content_metadata_access(access.id)
    told["accesses_left"] = group in [one.group_id for one in sdk.all_content_metadata_accesses(shelf)]


me = sdk.me()
home = me.personal_folder_id
folder = folders(home)
dashboard = dashboards(home, folder)
look = looks(home, folder)
schedules(dashboard)
alerts(me.id)
boards(dashboard, look, me.id, sdk.search_groups(name="Demo")[0].id)
sdk.delete_look(look)
told["deleted_look_is_gone"] = missing(lambda: sdk.look(look))
sdk.auth.logout()
told["strayed"] = strayed
print(json.dumps(told, default=lambda value: value.value))
