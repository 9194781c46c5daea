// The requests of a scenario, one after another: all of them follow from the seed.
import { stream } from '../../db/seed/random.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { type Draws, type EndpointName, endpoints, type Wanted, type World } from './endpoints.ts'
import { zipf } from './zipf.ts'

export type RequestsOptions = Pick<Scenario, 'mix' | 'keys'> & {
  world: World
  theta: number
  seed: number
  /** Of this stretch of load: another name, other draws. Which keys are popular follows from the seed alone. */
  stretch: string
  /** The first number that no write of this run has used. */
  serial: number
}

export type Drawn = { endpoint: EndpointName; wanted: Wanted }

export type Requests = {
  next(): Drawn
  /** The next of one kind, for whoever makes those himself. */
  nextOf(endpoint: EndpointName): Wanted
  /** The first number that is still unused. */
  serial(): number
}

export function requestsOf(options: RequestsOptions): Requests {
  const { world, theta, mix, keys, stretch } = options
  const seed = String(options.seed)
  const draw = <T>(from: readonly T[], most: number | undefined, name: string) => {
    const count = Math.max(1, Math.min(from.length, most ?? from.length))
    const place = zipf(count, theta, stream(seed, name), stream(seed, `${stretch}: ${name}`))
    return (): T => {
      const one = from[place()]
      if (one === undefined) throw new Error(`there are no ${name} to ask for`)
      return one
    }
  }
  const random = stream(seed, `${stretch}: which`)
  let serial = options.serial
  const draws: Draws = {
    profile: draw(world.profiles, keys?.profiles, 'profiles'),
    list: draw(world.lists, keys?.lists, 'lists'),
    therapist: draw(world.therapists, undefined, 'therapists'),
    client: draw(world.clients, undefined, 'clients'),
    uuid: () => random.uuidv7(Date.now()),
    serial: () => serial++
  }
  const shares = Object.entries(mix).map(([name, weight]) => [nameOf(name), weight] as const)
  return {
    next() {
      const endpoint = random.weighted(shares)
      return { endpoint, wanted: endpoints[endpoint](world, draws) }
    },
    nextOf: (endpoint) => endpoints[endpoint](world, draws),
    serial: () => serial
  }
}

function nameOf(name: string): EndpointName {
  if (name in endpoints) return name as EndpointName
  throw new Error(`there is no endpoint "${name}"`)
}

const browserEncodings = 'gzip, deflate, br, zstd'

/** The headers of a request, as pairs. Host and length are left to whoever writes it. */
export function headersOf(
  { token, body, ifNoneMatch, idempotencyKey }: Wanted,
  encoding: Scenario['encoding']
): Record<string, string> {
  return {
    accept: 'application/json',
    ...(encoding === 'browser' && { 'accept-encoding': browserEncodings }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': `"${idempotencyKey}"` }),
    ...(body !== undefined && { 'content-type': 'application/json' })
  }
}

/** A request as it goes over the wire. ASCII: bodies are made here and hold nothing else. */
export function wireOf(wanted: Wanted, host: string, encoding: Scenario['encoding']): string {
  const { method, path, body } = wanted
  const headers = Object.entries(headersOf(wanted, encoding)).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = body === undefined ? '' : `content-length: ${body.length}\r\n`
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${headers.join('')}${length}\r\n${body ?? ''}`
}
