"""Drive the published MCP server for Looker, which people let provision users, against the Looker of `looker.ini`.

Each step is a tool of the server, its arguments, and the name that the `id` of its result goes by in later steps.
What the steps gave is told as JSON on standard output: the tools that worked, and the errors of those that did not.
"""

import asyncio
import configparser
import json
import os
import shutil
import sys
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

STEPS = [
    ("whoami", {}, None),
    # Groups, roles and what they are made of.
    ("list_groups", {}, None),
    ("create_group", {"name": "Tenants"}, "tenants"),
    ("create_group", {"name": "Acme"}, "acme"),
    ("update_group", {"group_id": "$acme", "name": "Acme Ltd"}, None),
    ("add_group_to_group", {"parent_group_id": "$tenants", "child_group_id": "$acme"}, None),
    ("list_group_groups", {"group_id": "$tenants"}, None),
    ("list_permissions", {}, None),
    ("create_permission_set", {"name": "Viewers", "permissions": ["access_data", "see_looks"]}, "permissions"),
    ("update_permission_set", {"permission_set_id": "$permissions", "permissions": ["access_data", "see_looks", "see_user_dashboards"]}, None),
    ("list_permission_sets", {}, None),
    ("create_model_set", {"name": "Demo", "models": ["demo"]}, "models"),
    ("update_model_set", {"model_set_id": "$models", "name": "Demo only"}, None),
    ("list_model_sets", {}, None),
    ("create_role", {"name": "Viewer of demo", "permission_set_id": "#permissions", "model_set_id": "#models"}, "role"),
    ("get_role", {"role_id": "$role"}, None),
    ("update_role", {"role_id": "$role", "name": "Demo viewer"}, None),
    ("list_roles", {}, None),
    ("set_role_groups", {"role_id": "$role", "group_ids": ["#acme"]}, None),
    ("get_role_groups", {"role_id": "$role"}, None),
    # People.
    ("create_user", {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}, "ada"),
    ("get_user", {"user_id": "$ada"}, None),
    ("update_user", {"user_id": "$ada", "first_name": "Augusta"}, None),
    ("list_users", {"email": "ada%"}, None),
    ("create_credentials_email", {"user_id": "$ada", "email": "ada@example.com"}, None),
    ("get_credentials_email", {"user_id": "$ada"}, None),
    ("update_credentials_email", {"user_id": "$ada", "email": "augusta@example.com"}, None),
    ("send_password_reset", {"user_id": "$ada"}, None),
    ("add_group_user", {"group_id": "$acme", "user_id": "$ada"}, None),
    ("list_group_users", {"group_id": "$acme"}, None),
    ("set_user_roles", {"user_id": "$ada", "role_ids": ["#role"]}, None),
    ("get_user_roles", {"user_id": "$ada"}, None),
    ("set_role_users", {"role_id": "$role", "user_ids": ["#ada"]}, None),
    ("get_role_users", {"role_id": "$role"}, None),
    ("grant_access", {"principal_type": "group", "principal_id": "$tenants", "role_id": "$role"}, None),
    # Attributes.
    ("create_user_attribute", {"name": "tenant", "label": "Tenant", "type": "string"}, "attribute"),
    ("get_user_attribute", {"user_attribute_id": "$attribute"}, None),
    ("update_user_attribute", {"user_attribute_id": "$attribute", "label": "Tenant's name"}, None),
    ("list_user_attributes", {}, None),
    ("set_user_attribute_group_values", {"user_attribute_id": "$attribute", "values": [{"group_id": "$acme", "value": "acme"}]}, None),
    ("list_user_attribute_group_values", {"user_attribute_id": "$attribute"}, None),
    ("set_user_attribute_user_value", {"user_id": "$ada", "user_attribute_id": "$attribute", "value": "own"}, None),
    ("list_user_attribute_values_for_user", {"user_id": "$ada"}, None),
    ("delete_user_attribute_user_value", {"user_id": "$ada", "user_attribute_id": "$attribute"}, None),
    ("delete_user_attribute_group_value", {"group_id": "$acme", "user_attribute_id": "$attribute"}, None),
    # Keys.
    ("create_credentials_api3", {"user_id": "$ada"}, "key"),
    ("list_credentials_api3", {"user_id": "$ada"}, None),
    ("get_credentials_api3", {"user_id": "$ada", "credentials_api3_id": "$key"}, None),
    ("update_credentials_api3", {"user_id": "$ada", "credentials_api3_id": "$key", "purpose": "tests"}, None),
    ("rotate_api_credentials", {"user_id": "$ada", "delete_previous_id": "$key"}, None),
    # Content.
    ("list_folders", {}, None),
    ("create_folder", {"name": "Tenant", "parent_id": "1"}, "folder"),
    ("get_folder", {"folder_id": "$folder"}, None),
    ("update_folder", {"folder_id": "$folder", "name": "Tenant Acme"}, None),
    ("get_folder_children", {"folder_id": "1"}, None),
    ("get_folder_ancestors", {"folder_id": "$folder"}, None),
    ("create_dashboard", {"title": "Sales", "folder_id": "$folder"}, "dashboard"),
    ("add_dashboard_element", {"dashboard_id": "$dashboard", "title": "Orders", "query_model": "demo", "query_view": "orders", "query_fields": ["orders.count"]}, None),
    ("add_dashboard_filter", {"dashboard_id": "$dashboard", "title": "Region", "dimension": "orders.region", "model": "demo", "explore": "orders"}, None),
    ("update_dashboard", {"dashboard_id": "$dashboard", "description": "All of them"}, None),
    ("list_dashboards", {"folder_id": "$folder"}, None),
    ("run_dashboard", {"dashboard_id": "$dashboard"}, None),
    ("render_dashboard", {"dashboard_id": "$dashboard", "width": 400, "height": 300, "result_format": "png"}, None),
    ("create_look", {"title": "Orders", "model": "demo", "view": "orders", "fields": ["orders.count"], "folder_id": "$folder"}, "look"),
    ("run_look", {"look_id": "$look"}, None),
    ("update_look", {"look_id": "$look", "title": "Orders by region"}, None),
    ("list_looks", {"folder_id": "$folder"}, None),
    ("query", {"model": "demo", "view": "orders", "fields": ["orders.count"]}, None),
    ("create_board", {"title": "Start here"}, "board"),
    ("create_board_section", {"board_id": "$board", "title": "Sales"}, "section"),
    ("create_board_item", {"board_section_id": "$section", "dashboard_id": "$dashboard"}, "item"),
    ("get_board_item", {"board_item_id": "$item"}, None),
    ("update_board_section", {"board_section_id": "$section", "title": "All sales"}, None),
    ("get_board", {"board_id": "$board"}, None),
    ("create_schedule", {"name": "Daily", "crontab": "0 6 * * *", "dashboard_id": "$dashboard", "recipients": ["ada@example.com"]}, "schedule"),
    ("update_schedule", {"schedule_id": "$schedule", "name": "Every day"}, None),
    ("list_schedules", {}, None),
    ("run_schedule_once", {"schedule_id": "$schedule"}, None),
    ("search_content", {"query_string": "Sales"}, None),
    ("generate_embed_url", {"target_url": "$base_url/embed/dashboards/1"}, None),
    ("list_models", {}, None),
    ("get_model", {"model_name": "demo"}, None),
    ("list_connections", {}, None),
    ("list_projects", {}, None),
    ("list_datagroups", {}, None),
    # And away with it.
    ("delete_schedule", {"schedule_id": "$schedule"}, None),
    ("delete_board_item", {"board_item_id": "$item"}, None),
    ("delete_board_section", {"board_section_id": "$section"}, None),
    ("delete_board", {"board_id": "$board"}, None),
    ("delete_look", {"look_id": "$look"}, None),
    ("delete_dashboard", {"dashboard_id": "$dashboard"}, None),
    ("delete_folder", {"folder_id": "$folder"}, None),
    ("provision_user", {"email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper", "role_ids": ["#role"], "group_ids": ["#acme"]}, None),
    ("remove_group_user", {"group_id": "$acme", "user_id": "$ada"}, None),
    ("remove_group_from_group", {"parent_group_id": "$tenants", "child_group_id": "$acme"}, None),
    # Without the end of sessions, which it looks for at a path that Looker does not have.
    ("offboard_user", {"user_id": "$ada", "terminate_sessions": False}, None),
    ("delete_user", {"user_id": "$ada"}, None),
    ("delete_user_attribute", {"user_attribute_id": "$attribute"}, None),
    ("delete_role", {"role_id": "$role"}, None),
    ("delete_permission_set", {"permission_set_id": "$permissions"}, None),
    ("delete_model_set", {"model_set_id": "$models"}, None),
    ("delete_group", {"group_id": "$acme"}, None),
]


def filled(argument, known):
    """The argument with what `$name` and, as a number, `#name` stand for."""
    if isinstance(argument, dict):
        return {name: filled(value, known) for name, value in argument.items()}
    if isinstance(argument, list):
        return [filled(value, known) for value in argument]
    if isinstance(argument, str) and argument[:1] == "$":
        name, slash, rest = argument[1:].partition("/")
        return known[name] + slash + rest
    if isinstance(argument, str) and argument[:1] == "#":
        return int(known[argument[1:]])
    return argument


def settings():
    """The variables that point the server at the Looker of `looker.ini`."""
    ini = configparser.ConfigParser()
    ini.read("looker.ini")
    key = ini["admin"]
    return {
        "LOOKER_BASE_URL": key["base_url"],
        "LOOKER_CLIENT_ID": key["client_id"],
        "LOOKER_CLIENT_SECRET": key["client_secret"],
        "LOOKER_VERIFY_SSL": "false",
        "PATH": os.environ["PATH"],
        "HOME": os.getcwd(),
    }


async def main():
    server = Path(sys.executable).with_name("looker-mcp-server")
    env = settings()
    known, worked, failed = {"base_url": env["LOOKER_BASE_URL"]}, [], {}
    transport = StdioTransport(str(server), ["--groups", "all"], env=env, log_file=Path("server.log"))
    async with Client(transport) as client:
        for tool, arguments, name in STEPS:
            try:
                result = await client.call_tool(tool, filled(arguments, known))
                # A picture has no text.
                text = getattr(result.content[0], "text", "") if result.content else ""
                told = json.loads(text) if text.startswith("{") else text
                if isinstance(told, dict) and ("error" in told or told.get("status") == "error"):
                    failed[tool] = text[:600]
                    continue
                worked.append(tool)
                if name:
                    known[name] = str(told["id"])
            except Exception as error:  # A failed step is told, and the next one is tried.
                failed[tool] = f"{type(error).__name__}: {error}"[:600]
    print(json.dumps({"worked": len(worked), "failed": failed}))


asyncio.run(main())
