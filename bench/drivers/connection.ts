// One HTTP/1.1 connection that is kept: a request at a time, answers read as far as a load driver needs them.
import { connect, type Socket } from 'node:net'

export type Answer = {
  status: number
  bytes: number
  body: Buffer
  header(name: 'cache-status' | 'content-encoding'): string | undefined
}

const reconnectAfterMs = 20
const headEnd = Buffer.from('\r\n\r\n')
const chunkEnd = Buffer.from('\r\n')
const nothing = Buffer.alloc(0)
const fields = {
  'cache-status': /\r\ncache-status: *([^\r]*)/i,
  'content-encoding': /\r\ncontent-encoding: *([^\r]*)/i
} as const

type Heard = {
  /** It is there and has nothing to do. */
  free(connection: Connection): void
  answered(connection: Connection, answer: Answer): void
  /** It has ended, whatever was under way; another is being opened in its place. */
  lost(connection: Connection): void
}

export class Connection {
  readonly host: string
  readonly #port: number
  readonly #hostname: string
  readonly #heard: Heard
  #socket: Socket | undefined
  #unread: Buffer = nothing
  #closed = false

  constructor(url: string, heard: Heard) {
    const { host, hostname, port } = new URL(url)
    this.host = host
    this.#hostname = hostname
    this.#port = Number(port)
    this.#heard = heard
    this.#open()
  }

  send(request: string): void {
    this.#socket?.write(request, 'latin1')
  }

  /** Gives up what is under way, without a word, and begins anew. */
  reset(): void {
    this.#socket?.destroy()
  }

  close(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  #open(): void {
    if (this.#closed) return
    const socket = connect({ host: this.#hostname, port: this.#port, noDelay: true })
    this.#socket = socket
    this.#unread = nothing
    socket.on('connect', () => this.#heard.free(this))
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#heard.lost(this)
      if (!this.#closed) setTimeout(() => this.#open(), reconnectAfterMs)
    })
  }

  #read(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    const end = this.#unread.indexOf(headEnd)
    if (end === -1) return
    const head = this.#unread.toString('latin1', 0, end + 2)
    const status = Number(head.slice(9, 12))
    const begin = end + headEnd.length
    const body = bodyOf(this.#unread, begin, head, status)
    if (body === null) return
    const bytes = this.#unread.length
    this.#unread = nothing
    const header = (name: keyof typeof fields) => fields[name].exec(head)?.[1]
    this.#heard.answered(this, { status, bytes, body, header })
    if (/\r\nconnection: *close/i.test(head)) this.#socket?.destroy()
    else this.#heard.free(this)
  }
}

/** RFC 9112 §6.3, as far as servers send it; null: not all of it is there. */
function bodyOf(unread: Buffer, begin: number, head: string, status: number): Buffer | null {
  if (status === 204 || status === 304) return nothing
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const end = begin + Number(length)
    return unread.length < end ? null : unread.subarray(begin, end)
  }
  const parts: Buffer[] = []
  for (let at = begin; ; ) {
    const lineEnd = unread.indexOf(chunkEnd, at)
    if (lineEnd === -1) return null
    const size = Number.parseInt(unread.toString('latin1', at, lineEnd), 16)
    const from = lineEnd + chunkEnd.length
    if (unread.length < from + size + chunkEnd.length) return null
    if (size === 0) return Buffer.concat(parts)
    parts.push(unread.subarray(from, from + size))
    at = from + size + chunkEnd.length
  }
}
