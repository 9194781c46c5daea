// Sends one message to a URL that a stranger has named. Every address that its name resolves to is looked at, and the
// connection goes to those that were looked at: there is no second look-up that could say something else. Redirects are
// answers like any other that is not 2xx.
import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { Agent } from 'undici'
import { isPublic, whyNot } from './addresses.ts'

const connectMs = 3_000
/** From the request's last byte to the answer's head, and between two pieces of its body. */
const silentMs = 5_000
/** The whole attempt. */
const attemptMs = 15_000
/** What a receiver may say; nobody reads it. */
const mostAnswerBytes = 64 * 1024
const connectionsToOne = 8

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>

/** What became of an attempt; `failure`: why it came to nothing, in a word. */
export type Attempt = {
  status: number | null
  failure: string | null
  retryAfterMs: number | null
  ms: number
}

export type Sender = {
  send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Attempt>
  close(): Promise<void>
}

class Refused extends Error {
  readonly code = 'PRIVATE_ADDRESS'
}

/** @param insecure http and private addresses are allowed: for development and tests */
export function sender(insecure: boolean, resolve: Resolve = resolveAll): Sender {
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const refused = !insecure && !addresses.every(({ address }) => isPublic(address))
        const [first] = addresses
        if (refused || !first) callback(new Refused('a private address'), '')
        else if (options.all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, '')
    )
  }
  const agent = new Agent({
    connections: connectionsToOne,
    pipelining: 1,
    connect: { timeout: connectMs, lookup },
    headersTimeout: silentMs,
    bodyTimeout: silentMs,
    keepAliveTimeout: 4_000
  })

  return {
    async send(url, headers, body) {
      const startedAt = performance.now()
      const attempt = (
        status: number | null,
        failure: string | null,
        retryAfterMs: number | null = null
      ) => ({
        status,
        failure,
        retryAfterMs,
        ms: Math.round(performance.now() - startedAt)
      })
      // An address in the URL itself is never looked up.
      if (whyNot(url, insecure) !== null) return attempt(null, 'refused-url')
      const { origin, pathname, search } = new URL(url)
      try {
        const reply = await agent.request({
          origin,
          path: pathname + search,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'Turno-Webhooks/1', ...headers },
          body,
          signal: AbortSignal.timeout(attemptMs)
        })
        const status = reply.statusCode
        // The head has said it all: what becomes of the rest is nobody's.
        await reply.body.dump({ limit: mostAnswerBytes }).catch(() => {})
        if (status >= 200 && status < 300) return attempt(status, null)
        return attempt(status, `status-${status}`, waitOf(reply.headers['retry-after']))
      } catch (error) {
        return attempt(null, wordFor(error))
      }
    },
    close: () => agent.destroy()
  }
}

async function resolveAll(hostname: string) {
  return systemLookup(hostname, { all: true, order: 'verbatim' })
}

/** Seconds alone: a date would rest on their clock. */
function waitOf(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : null
}

const words: Record<string, string> = {
  PRIVATE_ADDRESS: 'private-address',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  EPROTO: 'tls'
}

// A word of ours: the owner reads it, and an error's own text may hold an address.
function wordFor(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'timeout'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)) return 'tls'
  if (error instanceof AggregateError && error.errors.length > 0) return wordFor(error.errors[0])
  return words[code] ?? (error.cause ? wordFor(error.cause) : 'failed')
}
