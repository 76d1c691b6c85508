// Users, groups, roles, attributes, keys and embed sessions, through the official TypeScript SDK; told as JSON.

import { DelimArray } from '@looker/sdk-rtl'

import { login, logout, missing, strayed } from './session.mjs'

const sdk = login('admin')
const ok = (call) => sdk.ok(call)
const told = {}

async function users() {
  const ada = await ok(sdk.create_user({ first_name: 'Ada', last_name: 'Byron', locale: 'en' }))
  const renamed = await ok(sdk.update_user(ada.id, { last_name: 'Lovelace', is_disabled: true }))
  told.renamed = [renamed.first_name, renamed.last_name, renamed.display_name, renamed.is_disabled]
  const found = await ok(sdk.search_users({ last_name: 'love%', fields: 'id,last_name', sorts: 'id' }))
  told.found_by_name = found.filter((user) => user.id === ada.id).map((user) => user.last_name)
  const listed = await ok(sdk.all_users({ fields: 'id', limit: 100 }))
  told.listed = listed.some((user) => user.id === ada.id)
  const narrow = await ok(sdk.user(ada.id, 'first_name'))
  told.user_fields = [narrow.first_name, narrow.id ?? null]
  await ok(sdk.delete_user(ada.id))
  told.deleted_user_is_gone = await missing(sdk, sdk.user(ada.id))
}

async function embedUsers() {
  const created = await ok(sdk.create_embed_user({ external_user_id: 'tenant/1 %2F' }))
  const same = await ok(sdk.user_for_credential('embed', 'tenant%2F1%20%252F'))
  told.embed_user_is_found = created.id === same.id
  const every = await ok(sdk.search_users({ embed_user: true }))
  told.embed_users = every.filter((user) => user.id === created.id).length
  const credentials = await ok(sdk.all_user_credentials_embeds(created.id))
  told.external_user_id = credentials.map((one) => one.external_user_id)
  const one = await ok(sdk.user_credentials_embed(created.id, credentials[0].id))
  told.embed_credential = one.external_user_id
  return created.id
}

async function groups(userId) {
  const group = await ok(sdk.create_group({ name: 'Tenants' }))
  await ok(sdk.add_group_user(group.id, { user_id: userId }))
  const members = await ok(sdk.all_group_users({ group_id: group.id }))
  told.group_users = members.length === 1 && members[0].id === userId
  told.groups_by_name = (await ok(sdk.search_groups({ name: 'tenan%' }))).map((one) => one.name)
  const again = await ok(sdk.group(group.id))
  told.group = [again.name, again.user_count]
  told.user_groups = (await ok(sdk.user(userId))).group_ids.includes(group.id)
  await ok(sdk.delete_group_user(group.id, userId))
  told.group_users_left = (await ok(sdk.all_group_users({ group_id: group.id }))).length
  told.all_groups = (await ok(sdk.all_groups({}))).some((one) => one.id === group.id)
}

async function roles(userId) {
  told.admin_role = (await ok(sdk.all_roles({}))).filter((role) => role.name === 'Admin').length
  const [viewer] = await ok(sdk.search_roles({ name: 'View%' }))
  told.role = (await ok(sdk.role(viewer.id))).name
  const assigned = await ok(sdk.set_user_roles(userId, [viewer.id]))
  told.assigned = assigned.length === 1 && assigned[0].id === viewer.id
  const held = await ok(sdk.user_roles({ user_id: userId }))
  told.user_roles = held.some((role) => role.id === viewer.id)
  told.permission_sets = (await ok(sdk.all_permission_sets())).length > 0
  told.model_sets = (await ok(sdk.all_model_sets())).length > 0
  told.permissions = (await ok(sdk.all_permissions())).some((one) => one.permission === 'access_data')
  told.models = (await ok(sdk.all_lookml_models({}))).map((model) => model.name)
  told.model = (await ok(sdk.lookml_model('demo'))).explores.map((explore) => explore.name)
}

async function attributes(userId) {
  const region = await ok(
    sdk.create_user_attribute({ name: 'walk_region', label: 'Region', type: 'string', default_value: 'EMEA' })
  )
  told.attribute = (await ok(sdk.user_attribute(region.id))).name
  told.attributes = (await ok(sdk.all_user_attributes({}))).some((one) => one.id === region.id)
  const value = async () => {
    const ids = new DelimArray([region.id])
    const values = await ok(sdk.user_attribute_user_values({ user_id: userId, user_attribute_ids: ids }))
    return values.map((one) => [one.name, one.value, one.source])
  }
  told.default_value = await value()
  const written = await ok(sdk.set_user_attribute_user_value(userId, region.id, { value: 'APAC' }))
  told.written_value = written.value
  told.own_value = (await value())[0][1]
  await ok(sdk.delete_user_attribute_user_value(userId, region.id))
  told.value_left = (await value())[0][1]
}

async function keys(userId) {
  const key = await ok(sdk.create_user_credentials_api3(userId))
  const tagged = await ok(sdk.update_user_credentials_api3(userId, key.id, { purpose: 'walk' }))
  told.purpose = [tagged.purpose, (await ok(sdk.user_credentials_api3(userId, key.id))).purpose]
  const all = await ok(sdk.all_user_credentials_api3s(userId))
  told.keys = all.length === 1 && all[0].client_id === key.client_id
  const token = await ok(sdk.login_user(userId))
  told.sudo_token = [token.token_type, token.expires_in > 0]
  await logout(sdk, token.access_token)
  await sdk.authSession.login(userId)
  told.sudo = (await ok(sdk.me())).id === userId
  await sdk.authSession.logout()
  told.back = (await ok(sdk.me())).id !== userId
  await ok(sdk.delete_user_credentials_api3(userId, key.id))
  told.keys_left = (await ok(sdk.all_user_credentials_api3s(userId))).length
}

async function embedding() {
  const target = `${sdk.authSession.settings.base_url}/embed/dashboards/1`
  const signed = await ok(
    sdk.create_sso_embed_url({
      target_url: target,
      external_user_id: 'walk-sso',
      permissions: ['access_data', 'see_user_dashboards'],
      models: ['demo'],
      session_length: 300,
    })
  )
  told.signed_url = signed.url.includes('/login/embed/%2Fembed%2Fdashboards%2F1?')
  // The SDK leaves a value that holds a percent sign as it is, for it must have been encoded already.
  told.validated = Boolean((await ok(sdk.validate_embed_url(encodeURIComponent(signed.url)))).url)
  told.own_url = (await ok(sdk.create_embed_url_as_me({ target_url: target }))).url.includes('?')
  const login = {
    external_user_id: 'walk-cookieless',
    permissions: ['access_data'],
    models: ['demo'],
    session_length: 300,
  }
  const session = await ok(sdk.acquire_embed_cookieless_session(login))
  told.session_ttl = session.session_reference_token_ttl
  const user = await ok(sdk.user_for_credential('embed', 'walk-cookieless'))
  const sessions = await ok(sdk.all_user_sessions(user.id))
  told.sessions = sessions.length
  told.session_user = (await ok(sdk.user_session(user.id, sessions[0].id))).id === sessions[0].id
  const fresh = await ok(
    sdk.generate_tokens_for_cookieless_session({
      session_reference_token: session.session_reference_token,
      api_token: session.api_token,
      navigation_token: session.navigation_token,
    })
  )
  told.fresh_tokens = [fresh.api_token !== session.api_token, fresh.api_token_ttl]
  await ok(sdk.delete_embed_cookieless_session(session.session_reference_token))
  told.sessions_left = (await ok(sdk.all_user_sessions(user.id))).length
  await ok(sdk.acquire_embed_cookieless_session(login))
  const [again] = await ok(sdk.all_user_sessions(user.id))
  await ok(sdk.delete_user_session(user.id, again.id))
  told.sessions_left_again = (await ok(sdk.all_user_sessions(user.id))).length
  const secret = await ok(sdk.create_embed_secret({ algorithm: 'hmac/sha-256' }))
  told.embed_secret = [secret.algorithm, Boolean(secret.secret)]
  await ok(sdk.delete_embed_secret(secret.id))
}

async function farewell(userId) {
  const [credentials] = await ok(sdk.all_user_credentials_embeds(userId))
  await ok(sdk.delete_user_credentials_embed(userId, credentials.id))
  told.credentials_left = (await ok(sdk.all_user_credentials_embeds(userId))).length
  told.forgotten = await missing(sdk, sdk.user_for_credential('embed', 'tenant%2F1%20%252F'))
}

async function instance() {
  told.versions = (await ok(sdk.versions())).current_version.version
  told.specification = 'info' in (await ok(sdk.api_spec('4.0', 'swagger.json')))
  told.workspace = (await ok(sdk.session())).workspace_id
  await ok(sdk.update_session({ workspace_id: 'production' }))
  told.embed_enabled = (await ok(sdk.get_setting('embed_enabled'))).embed_enabled
  told.user_timezones = (await ok(sdk.set_setting({ allow_user_timezones: true }))).allow_user_timezones
}

await users()
const userId = await embedUsers()
await groups(userId)
await roles(userId)
await attributes(userId)
await keys(userId)
await embedding()
await farewell(userId)
await instance()
await sdk.authSession.logout()
told.strayed = strayed
console.log(JSON.stringify(told))
