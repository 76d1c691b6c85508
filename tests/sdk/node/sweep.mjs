// Every operation that the local Looker serves, through its method in the official TypeScript SDK; told as JSON.
//
// `steps.json` lists the calls that need a body or an order. In the middle of them every other operation that only reads is
// called, and what it gave is written back where there is a method for that. Of what is `not_there` a local Looker has none.

import { readFileSync } from 'node:fs'

import { DelimArray } from '@looker/sdk-rtl'

import { login } from './session.mjs'

const sdk = login('admin')
const base_url = sdk.authSession.settings.base_url
const operations = await (await fetch(`${base_url}/__emulator/operations`)).json()
const served = new Map(operations.filter((one) => one.served).map((one) => [one.id, one]))
const steps = JSON.parse(readFileSync('steps.json', 'utf8'))

// What is known, mostly ids by the names of the parameters that take them.
const known = { base_url, ...steps.known }
const told = { served: [...served.keys()], failed: {}, lost: {}, without_method: [], read: 0, written_back: 0 }
const done = new Set()

// The value with what `$name` stands for.
function filled(value) {
  if (Array.isArray(value)) return value.map(filled)
  if (typeof value === 'string' && value.startsWith('$')) return value.replace(/^\$(\w+)/, (_, name) => need(name))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one)]))
}

function need(name) {
  if (known[name] === undefined) throw new Error(`${name} is not known`)
  return known[name]
}

// The arguments in the order of the method, or in the one object that it takes in place of them.
function arrange(method, given) {
  const names = /\(([^)]*)\)/.exec(method.toString())[1].split(/,\s*/)
  if (names[0] === 'request') return [given]
  const strange = Object.keys(given).filter((name) => !names.includes(name))
  if (strange.length > 0) throw new Error(`the method takes no ${strange}`)
  return names.map((name) => given[name])
}

// The value as the SDK wants it for a query. It takes a text with `%` in it for encoded, and sends it as it is.
function inQuery(value) {
  if (Array.isArray(value)) return new DelimArray(value)
  return typeof value === 'string' && value.includes('%') ? encodeURIComponent(value) : value
}

// The answer to a call of the method; undefined, with the reason told, if it failed.
async function call(name, given) {
  done.add(name)
  if (typeof sdk[name] !== 'function') {
    told.without_method.push(name)
    return undefined
  }
  try {
    const needed = [...served.get(name).path.matchAll(/{(\w+)}/g)].map(([, one]) => one)
    const entries = Object.entries(filled(given)).map(([one, value]) => [one, one === 'body' ? value : inQuery(value)])
    const found = needed.filter((one) => !(one in given)).map((one) => [one, need(one)])
    const answer = await sdk.ok(sdk[name](...arrange(sdk[name], Object.fromEntries([...found, ...entries]))))
    return answer ?? null
  } catch (trouble) {
    told.failed[name] = trouble.message
    return undefined
  }
}

// Make one call of the list, and remember what is wanted of its answer.
async function takeStep([name, given, wanted]) {
  const answer = await call(name, given)
  if (answer === undefined) return
  for (const [label, path] of Object.entries(wanted)) {
    known[label] = path.split('.').reduce((found, part) => found?.[part], answer)
  }
}

// The operations by these verbs that no step calls.
function ofMethods(...verbs) {
  const listed = new Set([...steps.before, ...steps.not_there, ...steps.after].map(([name]) => name))
  return [...served.values()].filter((one) => verbs.includes(one.method) && !listed.has(one.id))
}

// Call what only reads, and write what was read back, which changes nothing.
async function sweep() {
  const read = new Map()
  for (const operation of ofMethods('GET')) {
    const answer = await call(operation.id, {})
    if (answer !== undefined) read.set(operation.path, [operation.id, answer])
  }
  told.read = read.size
  for (const { id, path } of ofMethods('PUT', 'PATCH')) {
    if (!read.has(path)) {
      told.failed[id] = 'there is nothing to write back, so that it has to be a step'
      continue
    }
    const [source, before] = read.get(path)
    if ((await call(id, { body: before })) === undefined) continue
    told.written_back += 1
    const after = await call(source, {})
    const lost = Object.keys(before).filter((name) => settled(before)[name] !== settled(after)[name])
    if (lost.length > 0) told.lost[id] = lost
  }
}

// Each field as text, without what changes by itself.
function settled(value) {
  const steady = (name, one) => (steps.changing.includes(name) ? undefined : one)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, JSON.stringify({ [name]: one }, steady)]))
}

// Call for what there is none of, which Looker answers with 404.
async function miss(name, given) {
  await call(name, given)
  if (told.failed[name] === 'Not found') delete told.failed[name]
  else told.failed[name] ??= 'there is such a thing, so that it has to be a step'
}

// The operation that shows what this one deletes.
function readerOf(name) {
  const { method, path } = served.get(name)
  return method === 'DELETE' && [...served.values()].find((one) => one.path === path && one.method === 'GET')?.id
}

for (const step of steps.before) await takeStep(step)
await sweep()
for (const [name, given] of steps.not_there) await miss(name, given)
for (const step of steps.after) {
  await takeStep(step)
  const reader = readerOf(step[0])
  if (reader) await miss(reader, step[1])
}
told.not_called = [...served.keys()].filter((name) => !done.has(name)).sort()
console.log(JSON.stringify(told))
