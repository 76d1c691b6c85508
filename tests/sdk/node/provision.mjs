// What a program that provisions tenants does with the official TypeScript SDK; told as JSON.

import { DelimArray, pager } from '@looker/sdk-rtl'

import { login, strayed } from './session.mjs'

const sdk = login('admin')
const told = {}

// Each call may have a time-out of its own, also the first one, which logs in.
told.me = (await sdk.ok(sdk.me('first_name', { timeout: 60 }))).first_name

const group = await sdk.ok(sdk.create_group({ name: 'Acme' }))
const user = await sdk.ok(sdk.create_user({ first_name: 'Grace', last_name: 'Hopper' }))
// Numbers for ids, as older programs have them.
await sdk.ok(sdk.add_group_user(group.id, { user_id: Number(user.id) }))
const roles = await sdk.ok(sdk.search_roles({ name: 'Viewer' }))
await sdk.ok(sdk.set_user_roles(user.id, roles.map((role) => Number(role.id))))
told.members = (await sdk.ok(sdk.all_group_users({ group_id: group.id }))).map((one) => one.display_name)
told.roles = (await sdk.ok(sdk.user_roles({ user_id: user.id }))).map((one) => one.name)

// What was read is written back whole, with what Looker alone writes in it.
const folder = await sdk.ok(sdk.create_folder({ name: 'Tenants', parent_id: '1' }))
const things = {
  user: [user.id, (id) => sdk.user(id), (id, body) => sdk.update_user(id, body)],
  group: [group.id, (id) => sdk.group(id), (id, body) => sdk.update_group(id, body)],
  folder: [folder.id, (id) => sdk.folder(id), (id, body) => sdk.update_folder(id, body)],
  dashboard: ['1', (id) => sdk.dashboard(id), (id, body) => sdk.update_dashboard(id, body)],
}
told.written_back = []
for (const [name, [id, read, write]] of Object.entries(things)) {
  const before = await sdk.ok(read(id))
  await sdk.ok(write(id, before))
  const after = await sdk.ok(read(id))
  for (const time of ['updated_at', 'last_updater_id', 'last_updater_name']) after[time] = before[time]
  if (JSON.stringify(after) === JSON.stringify(before)) told.written_back.push(name)
}

// From page to page by the headers that lead there, to the end and back.
const some = { first_name: 'Page', fields: 'id', sorts: 'id' }
for (let number = 0; number < 7; number++) await sdk.ok(sdk.create_user({ first_name: 'Page' }))
const pages = await pager(sdk, () => sdk.search_users({ ...some, limit: 3, offset: 0 }))
const found = [...pages.items]
told.pages = { total: pages.total, pages: pages.pages }
while (pages.more()) found.push(...(await sdk.ok(pages.nextPage())))
told.pages.found = found.length
told.pages.different = new Set(found.map((one) => one.id)).size
await sdk.ok(pages.prevPage())
told.pages.previous = [pages.offset, pages.items.length]
await sdk.ok(pages.firstPage())
told.pages.first = [pages.offset, pages.items.length]

told.by_ids = (await sdk.ok(sdk.all_users({ ids: new DelimArray([user.id, '1']), fields: 'id' }))).length
await sdk.ok(sdk.delete_user(user.id))
await sdk.authSession.logout()
told.strayed = strayed
console.log(JSON.stringify(told))
