"""What a script that provisions tenants does with the official Python SDK, of any release; told as JSON."""

import json

import looker_sdk
import requests
from looker_sdk import models40 as models

# Each call may have a time-out of its own, also the first one, which logs in.
PATIENT = {"timeout": 60}

sdk = looker_sdk.init40("looker.ini", section="admin")
told = {"me": sdk.me(transport_options=PATIENT).first_name}

# An id is a text, and was a number in older scripts, which still send some.
group = sdk.create_group(models.WriteGroup(name="Tenants"))
child = sdk.create_group(models.WriteGroup(name="Acme"))
sdk.add_group_group(group.id, models.GroupIdForGroupInclusion(group_id=int(child.id)))
told["groups"] = [one.name for one in sdk.all_group_groups(group.id)]

user = sdk.create_user(models.WriteUser(first_name="Grace", last_name="Hopper"))
sdk.create_user_credentials_email(user.id, models.WriteCredentialsEmail(email="grace@example.com"))
sdk.add_group_user(child.id, models.GroupIdForGroupUserInclusion(user_id=int(user.id)))
told["members"] = [one.display_name for one in sdk.all_group_users(child.id)]

# What was read is written back whole, with what Looker alone writes in it.
read = sdk.group(child.id)
told["written_back"] = sdk.update_group(child.id, read) == read

attribute = sdk.create_user_attribute(models.WriteUserAttribute(name="tenant", label="Tenant", type="string"))
sdk.set_user_attribute_user_value(user.id, attribute.id, models.WriteUserAttributeWithValue(value="acme"))
values = sdk.user_attribute_user_values(user.id, user_attribute_ids=[int(attribute.id)])
told["values"] = [[one.name, one.value] for one in values]

roles = [role.id for role in sdk.all_roles() if role.name == "Viewer"]
sdk.set_user_roles(user.id, [int(role) for role in roles])
told["roles"] = [role.name for role in sdk.user_roles(user.id)]

key = sdk.create_user_credentials_api3(user.id)
told["secret_length"] = len(key.client_secret)
told["keys"] = [one.client_id for one in sdk.all_user_credentials_api3s(user.id)] == [key.client_id]

# As the user, through a login of its own and through the admin's.
sdk.auth.login_user(user.id)
told["sudo"] = sdk.me(fields="id").id == user.id
sdk.auth.logout()

found, offset = [], 0
while page := sdk.search_users(limit=2, offset=offset, sorts="id"):
    found += [one.id for one in page]
    offset += len(page)
told["all_users_are_found_by_pages"] = found == sorted((one.id for one in sdk.all_users()), key=int)

url = models.EmbedSsoParams(
    target_url=f"{sdk.auth.settings.base_url}/embed/dashboards/1",
    external_user_id="acme-42",
    permissions=["access_data"],
    models=["demo"],
    user_attributes={"tenant": "acme"},
)
login = requests.get(sdk.create_sso_embed_url(url).url, allow_redirects=False)
told["opens"] = login.headers["Location"]
told["embed_user"] = sdk.user_for_credential("embed", "acme-42").credentials_embed[0].external_user_id

sdk.delete_user_credentials_api3(user.id, key.id)
sdk.delete_user(user.id)
told["left"] = [one.display_name for one in sdk.search_users(last_name="Hopper")]
sdk.logout()
print(json.dumps(told))
