"""Users, groups, roles, attributes, keys and embed sessions, through the official Python SDK; told as JSON."""

import json

from looker_sdk import error, models40 as models
from looker_sdk.rtl.model import DelimSequence
from session import login, logout, strayed

sdk = login("admin")
told = {}


def missing(call):
    """Whether Looker answers that there is no such thing."""
    try:
        call()
        return False
    except error.SDKError as refusal:
        return "not found" in refusal.message.lower()


def users():
    ada = sdk.create_user(models.WriteUser(first_name="Ada", last_name="Byron", locale="en"))
    renamed = sdk.update_user(ada.id, models.WriteUser(last_name="Lovelace", is_disabled=True))
    told["renamed"] = [renamed.first_name, renamed.last_name, renamed.display_name, renamed.is_disabled]
    found = sdk.search_users(last_name="love%", fields="id,last_name", sorts="id")
    told["found_by_name"] = [user.last_name for user in found if user.id == ada.id]
    told["listed"] = ada.id in [user.id for user in sdk.all_users(fields="id", limit=100)]
    told["user_fields"] = [sdk.user(ada.id, fields="first_name").first_name, sdk.user(ada.id, fields="first_name").id]
    sdk.delete_user(ada.id)
    told["deleted_user_is_gone"] = missing(lambda: sdk.user(ada.id))


def embed_users():
    created = sdk.create_embed_user(models.CreateEmbedUserRequest(external_user_id="tenant/1 %2F"))
    same = sdk.user_for_credential("embed", "tenant%2F1%20%252F")
    told["embed_user_is_found"] = created.id == same.id
    told["embed_users"] = [user.id for user in sdk.search_users(embed_user=True)].count(created.id)
    credentials = sdk.all_user_credentials_embeds(created.id)
    told["external_user_id"] = [one.external_user_id for one in credentials]
    told["embed_credential"] = sdk.user_credentials_embed(created.id, credentials[0].id).external_user_id
    return created.id


def groups(user_id):
    group = sdk.create_group(models.WriteGroup(name="Tenants"))
    sdk.add_group_user(group.id, models.GroupIdForGroupUserInclusion(user_id=user_id))
    told["group_users"] = [user.id for user in sdk.all_group_users(group.id)] == [user_id]
    told["groups_by_name"] = [one.name for one in sdk.search_groups(name="tenan%")]
    told["group"] = [sdk.group(group.id).name, sdk.group(group.id).user_count]
    told["user_groups"] = group.id in sdk.user(user_id).group_ids
    sdk.delete_group_user(group.id, user_id)
    told["group_users_left"] = len(sdk.all_group_users(group.id))
    told["all_groups"] = group.id in [one.id for one in sdk.all_groups()]


def roles(user_id):
    admins = [role for role in sdk.all_roles() if role.name == "Admin"]
    told["admin_role"] = len(admins)
    viewer = sdk.search_roles(name="View%")[0]
    told["role"] = sdk.role(viewer.id).name
    assigned = sdk.set_user_roles(user_id, [viewer.id])
    told["assigned"] = [role.id for role in assigned] == [viewer.id]
    told["user_roles"] = viewer.id in [role.id for role in sdk.user_roles(user_id)]
    told["permission_sets"] = len(sdk.all_permission_sets()) > 0
    told["model_sets"] = len(sdk.all_model_sets()) > 0
    told["permissions"] = "access_data" in [one.permission for one in sdk.all_permissions()]
    told["models"] = [model.name for model in sdk.all_lookml_models()]
    told["model"] = [explore.name for explore in sdk.lookml_model("demo").explores]


def attributes(user_id):
    region = sdk.create_user_attribute(
        models.WriteUserAttribute(name="walk_region", label="Region", type="string", default_value="EMEA")
    )
    told["attribute"] = sdk.user_attribute(region.id).name
    told["attributes"] = region.id in [one.id for one in sdk.all_user_attributes()]

    def value():
        values = sdk.user_attribute_user_values(user_id, user_attribute_ids=DelimSequence([region.id]))
        return [[one.name, one.value, one.source] for one in values]

    told["default_value"] = value()
    written = sdk.set_user_attribute_user_value(user_id, region.id, models.WriteUserAttributeWithValue(value="APAC"))
    told["written_value"] = written.value
    told["own_value"] = value()[0][1]
    sdk.delete_user_attribute_user_value(user_id, region.id)
    told["value_left"] = value()[0][1]


def keys(user_id):
    key = sdk.create_user_credentials_api3(user_id)
    tagged = sdk.update_user_credentials_api3(user_id, key.id, models.WriteCredentialsApi3(purpose="walk"))
    told["purpose"] = [tagged.purpose, sdk.user_credentials_api3(user_id, key.id).purpose]
    told["keys"] = [one.client_id for one in sdk.all_user_credentials_api3s(user_id)] == [key.client_id]
    token = sdk.login_user(user_id)
    told["sudo_token"] = [token.token_type, token.expires_in > 0]
    logout(sdk, token.access_token)
    sdk.auth.login_user(user_id)
    told["sudo"] = sdk.me().id == user_id
    sdk.auth.logout()
    told["back"] = sdk.me().id != user_id
    sdk.delete_user_credentials_api3(user_id, key.id)
    told["keys_left"] = len(sdk.all_user_credentials_api3s(user_id))


def embedding():
    signed = sdk.create_sso_embed_url(
        models.EmbedSsoParams(
            target_url=f"{sdk.auth.settings.base_url}/embed/dashboards/1",
            external_user_id="walk-sso",
            permissions=["access_data", "see_user_dashboards"],
            models=["demo"],
            session_length=300,
        )
    )
    told["signed_url"] = "/login/embed/%2Fembed%2Fdashboards%2F1?" in signed.url
    validated = sdk.validate_embed_url(signed.url)
    told["validated"] = bool(validated.url)
    mine = sdk.create_embed_url_as_me(models.EmbedParams(target_url=f"{sdk.auth.settings.base_url}/embed/dashboards/1"))
    told["own_url"] = "?" in mine.url
    login = models.EmbedCookielessSessionAcquire(
        external_user_id="walk-cookieless", permissions=["access_data"], models=["demo"], session_length=300
    )
    session = sdk.acquire_embed_cookieless_session(login)
    told["session_ttl"] = session.session_reference_token_ttl
    user = sdk.user_for_credential("embed", "walk-cookieless")
    sessions = sdk.all_user_sessions(user.id)
    told["sessions"] = len(sessions)
    told["session_user"] = sdk.user_session(user.id, sessions[0].id).id == sessions[0].id
    fresh = sdk.generate_tokens_for_cookieless_session(
        models.EmbedCookielessSessionGenerateTokens(
            session_reference_token=session.session_reference_token,
            api_token=session.api_token,
            navigation_token=session.navigation_token,
        )
    )
    told["fresh_tokens"] = [fresh.api_token != session.api_token, fresh.api_token_ttl]
    sdk.delete_embed_cookieless_session(session.session_reference_token)
    told["sessions_left"] = len(sdk.all_user_sessions(user.id))
    sdk.acquire_embed_cookieless_session(login)
    sdk.delete_user_session(user.id, sdk.all_user_sessions(user.id)[0].id)
    told["sessions_left_again"] = len(sdk.all_user_sessions(user.id))
    secret = sdk.create_embed_secret(models.WriteEmbedSecret(algorithm="hmac/sha-256"))
    told["embed_secret"] = [secret.algorithm, bool(secret.secret)]
    sdk.delete_embed_secret(secret.id)


def farewell(user_id):
    sdk.delete_user_credentials_embed(user_id, sdk.all_user_credentials_embeds(user_id)[0].id)
    told["credentials_left"] = len(sdk.all_user_credentials_embeds(user_id))
    told["forgotten"] = missing(lambda: sdk.user_for_credential("embed", "tenant%2F1%20%252F"))


def instance():
    told["versions"] = sdk.versions().current_version.version
    told["specification"] = "info" in sdk.api_spec("4.0", "swagger.json")
    told["workspace"] = sdk.session().workspace_id
    sdk.update_session(models.WriteApiSession(workspace_id="production"))
    told["embed_enabled"] = sdk.get_setting(fields="embed_enabled").embed_enabled
    told["user_timezones"] = sdk.set_setting(models.WriteSetting(allow_user_timezones=True)).allow_user_timezones


users()
user_id = embed_users()
groups(user_id)
roles(user_id)
attributes(user_id)
keys(user_id)
embedding()
farewell(user_id)
instance()
sdk.auth.logout()
told["strayed"] = strayed
print(json.dumps(told))
