// What the integration tests of the official TypeScript SDK do, in words of our own; told as JSON.

import { createWriteStream, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'

import { Looker40SDKStream, ResultFormat } from '@looker/sdk'
import { LookerNodeSDK } from '@looker/sdk-node'
import { DelimArray, pageAll, pager } from '@looker/sdk-rtl'

import { login, strayed } from './session.mjs'

const sdk = login('admin')
const ok = (call) => sdk.ok(call)
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)
const told = {}

const people = [
  ['Mary', 'Shelley'],
  ['Percy', 'Shelley'],
  ['George', 'Byron'],
]

async function sessions() {
  const auth = sdk.authSession
  told.before_login = [auth.isAuthenticated(), auth.isSudo(), await auth.logout()]
  told.own_keys = (await ok(sdk.me())).credentials_api3.length
  told.after_login = [auth.isAuthenticated(), await auth.logout(), auth.isAuthenticated()]
  told.own_fields = Object.keys(await ok(sdk.me('id,first_name,last_name'))).sort()
}

// From the admin to one user, from there to another, back, and from a user to the admin.
async function sudo() {
  const auth = sdk.authSession
  const admin = await ok(sdk.me())
  const every = await ok(sdk.all_users({ fields: 'id,is_disabled' }))
  const [one, other] = every.filter((user) => user.id !== admin.id && !user.is_disabled)
  told.sudo = []
  for (const user of [one, other]) {
    await auth.login(user.id)
    told.sudo.push([auth.isSudo(), (await ok(sdk.me())).id === user.id])
  }
  await auth.logout()
  const back = await ok(sdk.me())
  told.back = [auth.isAuthenticated(), auth.isSudo(), same(back, admin)]
  await auth.login(one.id)
  await auth.login()
  told.back_by_login = (await ok(sdk.me())).id === admin.id
}

async function users() {
  const created = []
  for (const [first_name, last_name] of people) {
    const user = await ok(sdk.create_user({ first_name, last_name, is_disabled: false, locale: 'fr' }))
    const changed = await ok(sdk.update_user(user.id, { is_disabled: true, locale: 'en' }))
    const enabled = await ok(sdk.update_user(user.id, { is_disabled: false, locale: 'en' }))
    const email = `${first_name}.${last_name}@villa.example`.toLowerCase()
    const mail = await ok(sdk.create_user_credentials_email(user.id, { email }))
    created.push([user.locale, changed.is_disabled, changed.locale, changed.last_name, enabled.is_disabled, mail.email])
  }
  told.created = created
  told.nobody = await ok(sdk.search_users({ first_name: 'Bad', last_name: 'News' }))
  const found = await ok(sdk.search_users_names({ pattern: '%@villa.example', sorts: 'last_name,first_name' }))
  told.by_last_name = found.map((user) => `${user.last_name} ${user.first_name}`)
  const sorted = await ok(sdk.search_users_names({ pattern: '%@villa.example', sorts: 'first_name,last_name' }))
  told.by_first_name = sorted.map((user) => user.first_name)
  told.by_ids = (await ok(sdk.all_users({ ids: new DelimArray(found.map((user) => user.id)) }))).length
  told.deleted = await Promise.all(found.map((user) => ok(sdk.delete_user(user.id))))
}

async function refusals() {
  const attribute = { name: 'git_username', label: 'Git Username', type: 'string', hidden_value_domain_whitelist: '' }
  const settings = { show_filters_bar: false, show_title: false, tile_shadow: false }
  const refused = async (call) => {
    const { message, errors } = await ok(call).catch((refusal) => refusal)
    return [message, errors?.length, errors?.[0].message]
  }
  told.bad_attribute = await refused(sdk.create_user_attribute(attribute))
  told.good_theme = await ok(sdk.validate_theme({ name: 'valid', settings: { ...settings, font_family: 'Arial' } }))
  told.bad_theme = (await refused(sdk.validate_theme({ settings: { ...settings, font_family: 'Arial;' } }))).slice(0, 2)
}

async function pages(home) {
  for (let number = 1; number <= 5; number++) await ok(sdk.create_dashboard({ title: `Page ${number}`, folder_id: home }))
  const every = await ok(sdk.search_dashboards({ fields: 'id,title' }))
  const search = () => sdk.search_dashboards({ fields: 'id,title', limit: 2 })
  const first = await pager(sdk, search)
  told.pager = same(await ok(first.getRel('first', every.length)), every)
  let hooked = 0
  sdk.authSession.transport.observer = (response) => {
    hooked += 1
    return response
  }
  await pager(sdk, search)
  sdk.authSession.transport.observer = undefined
  told.observed = hooked
  const collected = []
  const collect = (page) => (collected.push(...page), page)
  const paged = await pageAll(sdk, search, collect)
  told.page_all = [paged.limit, paged.more(), same(collected, every)]
  collected.length = 0
  const whole = await pageAll(sdk, () => sdk.all_dashboards('id,title'), collect)
  told.not_paged = [whole.limit, whole.more(), same(collected, await ok(sdk.all_dashboards('id,title')))]
  const [one] = await ok(sdk.search_dashboards({ limit: 1 }))
  told.created_at = typeof one.created_at
}

// A query of Looker's own model.
const activity = {
  model: 'system__activity',
  view: 'dashboard',
  fields: ['dashboard.id', 'dashboard.title', 'dashboard.count'],
  fill_fields: [],
  sorts: [],
  total: false,
  vis_config: { type: 'looker_column' },
  limit: '4',
}

async function queries() {
  const query = await ok(sdk.create_query(activity))
  const sql = await ok(sdk.run_query({ query_id: query.id, result_format: 'sql' }))
  told.sql = query.fields.every((field) => sql.includes(field)) && sql.includes('SELECT')
  const run = (result_format) => ok(sdk.run_query({ query_id: query.id, result_format }))
  const inline = (result_format) => ok(sdk.run_inline_query({ body: activity, result_format }))
  for (const [name, rows, csv] of [
    ['run', await run('json'), await run('csv')],
    ['run_inline', await inline('json'), await inline('csv')],
  ]) {
    told[name] = [rows.length, Object.keys(rows[0]).sort(), csv.match(/\n/g).length]
  }
  const file = Writable.toWeb(createWriteStream('query.csv'))
  const stream = new Looker40SDKStream(sdk.authSession)
  const piped = async (response) => {
    await response.body.pipeTo(file)
    return 'streamed'
  }
  await stream.run_inline_query(piped, { body: activity, result_format: 'csv' })
  told.streamed = readFileSync('query.csv', 'utf8') === (await inline('csv'))
  const nothing = { ...activity, filters: { 'dashboard.id': '-1' } }
  const empty = await ok(sdk.create_query(nothing))
  told.empty = {}
  for (const result_format of ['csv', 'json', 'json_detail', 'txt', 'md']) {
    const asked = { query_id: empty.id, result_format }
    const answers = [await ok(sdk.run_query(asked)), await ok(sdk.run_query({ ...asked, cache: true }))]
    told.empty[result_format] = answers.every((answer) => answer !== '{}')
  }
  const task = { query_id: query.id, result_format: ResultFormat.inline_json, source: 'local' }
  told.task = (await ok(sdk.create_query_task({ body: task }))).result_format
  told.datagroups = (await ok(sdk.all_datagroups())).length > 0
  return query.id
}

async function content(home, query) {
  const look = await ok(sdk.create_look({ title: 'An SDK look', query_id: query, folder_id: home }))
  const [narrow] = await ok(sdk.search_looks({ fields: 'id,title', title: 'An SDK%' }))
  told.narrow_look = [same(Object.keys(narrow).sort(), ['id', 'title']), narrow.id === look.id]
  const thumbnail = (format) => ok(sdk.content_thumbnail({ type: 'look', resource_id: look.id, format }))
  told.thumbnails = [(await thumbnail('png')).charCodeAt(0), /^<\?xml/.test(await thumbnail('svg'))]
  const first = (await ok(sdk.default_color_collection())).id
  const other = (await ok(sdk.all_color_collections())).find((one) => one.id !== first).id
  told.colours = []
  for (const one of [other, first]) {
    await ok(sdk.set_default_color_collection(one))
    told.colours.push((await ok(sdk.default_color_collection())).id === one)
  }
}

// With a look at the variables alone, as if there were no `looker.ini`.
async function environment() {
  const { base_url } = sdk.authSession.settings
  const key = await sdk.authSession.settings.readConfig('admin')
  const variables = { BASE_URL: base_url, CLIENT_ID: key.client_id, CLIENT_SECRET: key.client_secret, VERIFY_SSL: 'false' }
  for (const [name, value] of Object.entries(variables)) process.env[`LOOKERSDK_${name}`] = value
  const other = LookerNodeSDK.init40()
  told.environment = [(await other.ok(other.me())).id === (await ok(sdk.me())).id, await other.authSession.logout()]
}

await sessions()
await sudo()
await users()
await refusals()
const home = (await ok(sdk.me())).personal_folder_id
await pages(home)
await content(home, await queries())
await environment()
told.logged_out = [await sdk.authSession.logout(), sdk.authSession.isAuthenticated()]
told.strayed = strayed
console.log(JSON.stringify(told))
