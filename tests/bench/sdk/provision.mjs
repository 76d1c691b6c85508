// Make embed users with API keys through the official TypeScript SDK: provision.mjs USERS IN_FLIGHT.

import { open } from 'node:fs/promises'

import { LookerNodeSDK } from '@looker/sdk-node'

const [users, inFlight] = process.argv.slice(2).map(Number)
const sdk = LookerNodeSDK.init40()
const ok = (call) => sdk.ok(call)
await sdk.authSession.getToken()
const host = sdk.authSession.settings.base_url
const keys = await open('keys.jsonl', 'w')

const provision = async (number) => {
  const external_user_id = `node-${number}`
  const signed = await ok(
    sdk.create_sso_embed_url({
      target_url: `${host}/embed/dashboards/1`,
      external_user_id,
      first_name: 'Ada',
      last_name: 'Byron',
      models: ['demo'],
      permissions: ['access_data', 'see_looks'],
      external_group_id: `tenant-${Math.floor(number / 100)}`,
    })
  )
  const answer = await fetch(signed.url, { redirect: 'manual' })
  await answer.arrayBuffer()
  if (answer.status !== 302 || answer.headers.get('location').includes('/login')) {
    throw new Error(`${external_user_id}: the signed URL was refused`)
  }
  const user = await ok(sdk.user_for_credential('embed', external_user_id, 'id'))
  const { client_id, client_secret } = await ok(sdk.create_user_credentials_api3(user.id))
  await keys.appendFile(`${JSON.stringify({ external_user_id, client_id, client_secret })}\n`)
}

let next = 0
const work = async () => {
  while (next < users) await provision(next++)
}
await Promise.all(Array.from({ length: inFlight }, work))
await keys.close()
await sdk.authSession.logout()
