// Sessions of the official TypeScript SDK that stay on this machine and are written down.

import { appendFileSync } from 'node:fs'

import { LookerNodeSDK, NodeSettingsIniFile } from '@looker/sdk-node'

// Where the SDK tried to go besides the Looker it was pointed at.
export const strayed = []

const fetchAnywhere = globalThis.fetch

// Fetch, and write the exchange into `exchanges.jsonl` for `contract.py`.
globalThis.fetch = async (target, options = {}) => {
  const url = String(target?.url ?? target)
  if (new URL(url).hostname !== '127.0.0.1') {
    strayed.push(url)
    throw new Error('this test stays on this machine')
  }
  const response = await fetchAnywhere(target, options)
  const exchange = {
    method: options.method ?? 'GET',
    url,
    request_type: new Headers(options.headers).get('content-type'),
    request_body: options.body === undefined ? null : String(options.body),
    status: response.status,
    response_type: response.headers.get('content-type'),
    response_body: await response.clone().text(),
  }
  appendFileSync('exchanges.jsonl', `${JSON.stringify(exchange)}\n`)
  return response
}

// A session with the key in this section of `looker.ini`.
export const login = (section) => LookerNodeSDK.init40(new NodeSettingsIniFile('LOOKERSDK', 'looker.ini', section))

// End a token that the SDK gave away instead of keeping.
export const logout = async (sdk, token) => {
  const url = `${sdk.authSession.settings.base_url}/api/4.0/logout`
  const response = await fetch(url, { method: 'DELETE', headers: { Authorization: `token ${token}` } })
  if (!response.ok) throw new Error(`logout: ${response.status}`)
}

// Whether Looker answers that there is no such thing.
export const missing = async (sdk, call) => {
  const answer = await call
  return !answer.ok && /not found/i.test(answer.error.message)
}
