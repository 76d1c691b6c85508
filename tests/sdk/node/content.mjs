// Folders, dashboards, looks, schedules, alerts, boards and access, through the official TypeScript SDK; told as JSON.

import { login, missing, strayed } from './session.mjs'

const sdk = login('admin')
const ok = (call) => sdk.ok(call)
const ids = (things) => things.map((thing) => thing.id).join()
const told = {}

async function folders(home) {
  const reports = await ok(sdk.create_folder({ name: 'Reports', parent_id: home }))
  const inner = await ok(sdk.create_folder({ name: '2026', parent_id: reports.id }))
  told.folder = [(await ok(sdk.folder(inner.id))).name, (await ok(sdk.folder_parent(inner.id))).name]
  told.children = (await ok(sdk.folder_children({ folder_id: reports.id }))).map((folder) => folder.name)
  told.ancestors = (await ok(sdk.folder_ancestors(inner.id))).some((folder) => folder.id === reports.id)
  told.renamed_folder = (await ok(sdk.update_folder(inner.id, { name: '2027' }))).name
  const found = await ok(sdk.search_folders({ name: '202%', parent_id: reports.id }))
  told.folders_by_name = found.map((folder) => folder.name)
  told.all_folders = (await ok(sdk.all_folders('id,name'))).some((folder) => folder.id === inner.id)
  await ok(sdk.delete_folder(inner.id))
  told.deleted_folder_is_gone = await missing(sdk, sdk.folder(inner.id))
  return reports.id
}

async function dashboards(home, folder) {
  const sales = await ok(sdk.create_dashboard({ title: 'Sales', folder_id: folder }))
  const again = await ok(sdk.dashboard(sales.id))
  told.dashboard = [again.title, again.folder.id === folder]
  told.renamed_dashboard = (await ok(sdk.update_dashboard(sales.id, { title: 'Sales 2026' }))).title
  const copy = await ok(sdk.copy_dashboard(sales.id, home))
  // No two dashboards of a folder have the same title.
  await ok(sdk.update_dashboard(copy.id, { title: 'Sales, a copy' }))
  const moved = await ok(sdk.move_dashboard(copy.id, folder))
  told.copied_and_moved = [copy.id !== sales.id, moved.folder.id === folder]
  told.folder_dashboards = (await ok(sdk.folder_dashboards(folder))).length
  const found = await ok(sdk.search_dashboards({ folder_id: folder, title: 'Sales%', sorts: 'id' }))
  told.dashboards_found = ids(found) === ids([sales, copy])
  const trashed = await ok(sdk.update_dashboard(copy.id, { deleted: true }))
  const trash = await ok(sdk.search_dashboards({ folder_id: folder, deleted: true }))
  told.trashed = [trashed.deleted, trash.length]
  await ok(sdk.delete_dashboard(copy.id))
  told.deleted_dashboard_is_gone = await missing(sdk, sdk.dashboard(copy.id))
  told.all_dashboards = (await ok(sdk.all_dashboards('id'))).some((dashboard) => dashboard.id === sales.id)
  return sales.id
}

async function looks(home, folder) {
  const query = await ok(
    sdk.create_query({ model: 'demo', view: 'orders', fields: ['orders.count'], limit: '10' })
  )
  const again = await ok(sdk.query(query.id))
  told.query = [again.view, again.fields]
  const rows = (answer) => (typeof answer === 'string' ? JSON.parse(answer) : answer).length > 0
  told.rows = rows(await ok(sdk.run_query({ query_id: query.id, result_format: 'json' })))
  const inline = { model: 'demo', view: 'orders', fields: ['orders.count'] }
  told.inline_rows = rows(await ok(sdk.run_inline_query({ result_format: 'json', body: inline })))
  const look = await ok(sdk.create_look({ title: 'Orders', query_id: query.id, folder_id: folder }))
  const shown = await ok(sdk.look(look.id))
  told.look = [shown.title, shown.folder_id === folder]
  told.renamed_look = (await ok(sdk.update_look(look.id, { title: 'All orders' }))).title
  told.moved_look = (await ok(sdk.move_look(look.id, home))).folder_id === home
  await ok(sdk.move_look(look.id, folder))
  told.folder_looks = (await ok(sdk.folder_looks(folder))).map((one) => one.title)
  told.looks_found = ids(await ok(sdk.search_looks({ title: 'all ord%' }))) === look.id
  told.all_looks = (await ok(sdk.all_looks('id'))).some((one) => one.id === look.id)
  return look.id
}

async function schedules(dashboard) {
  const plan = await ok(
    sdk.create_scheduled_plan({
      name: 'Every morning',
      dashboard_id: dashboard,
      crontab: '0 6 * * *',
      timezone: 'Europe/Berlin',
      scheduled_plan_destination: [{ type: 'email', format: 'wysiwyg_pdf', address: 'ada@example.com' }],
    })
  )
  const again = await ok(sdk.scheduled_plan(plan.id))
  told.plan = [again.name, again.dashboard_id === dashboard]
  told.paused = (await ok(sdk.update_scheduled_plan(plan.id, { enabled: false }))).enabled
  told.plans = ids(await ok(sdk.all_scheduled_plans({ all_users: true }))) === plan.id
  const found = await ok(sdk.search_scheduled_plans({ name: 'Every%', all_users: true }))
  told.plans_found = ids(found) === plan.id
  await ok(sdk.delete_scheduled_plan(plan.id))
  told.deleted_plan_is_gone = await missing(sdk, sdk.scheduled_plan(plan.id))
}

async function alerts(owner) {
  const wish = {
    comparison_type: 'GREATER_THAN',
    cron: '0 * * * *',
    destinations: [{ destination_type: 'EMAIL', email_address: 'ada@example.com' }],
    field: { title: 'Orders', name: 'orders.count' },
    owner_id: owner,
    threshold: 100,
  }
  const alert = await ok(sdk.create_alert({ ...wish, custom_title: 'Many orders' }))
  const again = await ok(sdk.get_alert(alert.id))
  told.alert = [again.custom_title, again.owner_id === owner]
  await ok(sdk.follow_alert(alert.id))
  told.followed = (await ok(sdk.get_alert(alert.id))).followed
  await ok(sdk.unfollow_alert(alert.id))
  told.unfollowed = (await ok(sdk.get_alert(alert.id))).followed
  told.raised = (await ok(sdk.update_alert_field(alert.id, { threshold: 200 }))).threshold
  told.alerts = ids(await ok(sdk.search_alerts({ all_owners: true }))) === alert.id
  const rewritten = await ok(sdk.update_alert(alert.id, { ...wish, comparison_type: 'LESS_THAN', threshold: 5 }))
  told.rewritten = rewritten.threshold
}

async function boards(dashboard, look, owner, group) {
  const board = await ok(sdk.create_board({ title: 'Start here', description: 'What matters' }))
  const again = await ok(sdk.board(board.id))
  told.board = [again.title, again.user_id === owner]
  told.board_text = (await ok(sdk.update_board(board.id, { description: 'What matters now' }))).description
  told.boards = ids(await ok(sdk.all_boards())) === board.id
  told.boards_found = ids(await ok(sdk.search_boards({ title: 'Start%' }))) === board.id

  const metadata = (await ok(sdk.dashboard(dashboard))).content_metadata_id
  const favorite = await ok(sdk.create_content_favorite({ content_metadata_id: metadata }))
  told.favorite = (await ok(sdk.content_favorite(favorite.id))).content_metadata_id === metadata
  const favorites = async () => ok(sdk.search_content_favorites({ dashboard_id: dashboard }))
  told.favorites = ids(await favorites()) === favorite.id
  await ok(sdk.delete_content_favorite(favorite.id))
  told.favorites_left = (await favorites()).length

  const shelf = (await ok(sdk.look(look))).folder.content_metadata_id
  told.metadata = (await ok(sdk.content_metadata(shelf))).id === shelf
  const access = await ok(
    sdk.create_content_metadata_access({ content_metadata_id: shelf, permission_type: 'view', group_id: group })
  )
  told.granted = access.permission_type
  const edited = await ok(sdk.update_content_metadata_access(access.id, { permission_type: 'edit' }))
  told.raised_access = edited.permission_type
  const granted = async () =>
    (await ok(sdk.all_content_metadata_accesses(shelf))).some((one) => one.group_id === group)
  told.accesses = await granted()
  await ok(sdk.delete_content_metadata_access(access.id))
  told.accesses_left = await granted()
}

const me = await ok(sdk.me())
const home = me.personal_folder_id
const folder = await folders(home)
const dashboard = await dashboards(home, folder)
const look = await looks(home, folder)
await schedules(dashboard)
await alerts(me.id)
const [group] = await ok(sdk.search_groups({ name: 'Demo' }))
await boards(dashboard, look, me.id, group.id)
await ok(sdk.delete_look(look))
told.deleted_look_is_gone = await missing(sdk, sdk.look(look))
await sdk.authSession.logout()
told.strayed = strayed
console.log(JSON.stringify(told))
