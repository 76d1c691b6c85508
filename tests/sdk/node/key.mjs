// What the official TypeScript SDK makes of an embed user and its key: told as JSON on standard output.

import { login, strayed } from './session.mjs'

const [externalUserId] = process.argv.slice(2)

const user = login('user')
const me = await user.ok(user.me())

const admin = login('admin')
const found = await admin.ok(admin.user_for_credential('embed', externalUserId))
const before = await admin.ok(admin.all_user_credentials_api3s(found.id))
const minted = await admin.ok(admin.create_user_credentials_api3(found.id))
const during = await admin.ok(admin.all_user_credentials_api3s(found.id))
await admin.ok(admin.delete_user_credentials_api3(found.id, minted.id))
const after = await admin.ok(admin.all_user_credentials_api3s(found.id))

const missing = await admin
  .ok(admin.user_for_credential('embed', 'nobody of this name'))
  .then(() => null)
  .catch((refusal) => refusal.message)

await user.authSession.logout()
await admin.authSession.logout()

console.log(
  JSON.stringify({
    me: me.id,
    me_external_user_ids: me.credentials_embed.map((credentials) => credentials.external_user_id),
    found: found.id,
    keys_before: before.map((key) => key.client_id),
    minted: minted.client_id,
    minted_secret_length: minted.client_secret.length,
    keys_during: during.map((key) => key.client_id),
    keys_after: after.map((key) => key.client_id),
    missing,
    logged_out: !user.authSession.isAuthenticated() && !admin.authSession.isAuthenticated(),
    strayed,
  })
)
