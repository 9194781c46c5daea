// A client of server-sent events, as WHATWG HTML §9.2.6 has it interpret a stream: what a test hears.
import { Agent, request } from 'undici'

export type Message = { id: string; event: string; data: unknown }

export type Sse = {
  status: number
  headers: Record<string, string | string[] | undefined>
  messages: Message[]
  /** Where a client would resume: also moved by what is no message. */
  lastId(): string
  /** Milliseconds that it was told to wait before the next. */
  retryMs(): number
  comments: string[]
  /** Resolves with how it ended: as a whole, or cut. */
  ended: Promise<'whole' | 'cut'>
  close(): void
}

type Options = {
  /** Of the stream before it. */
  lastId?: string
  /** It never reads. */
  paused?: boolean
}

/** Opens a stream on one instance; again where that has too much to do at the moment, as it asks its clients to. */
export async function listen(url: string, token: string, options: Options = {}): Promise<Sse> {
  for (const end = performance.now() + 20_000; ; ) {
    const stream = await open(url, token, options)
    if (stream.status !== 503 || performance.now() > end) return stream
    stream.close()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function open(url: string, token: string, options: Options): Promise<Sse> {
  const agent = new Agent({ connections: 1, bodyTimeout: 0, headersTimeout: 10_000 })
  const { statusCode, headers, body } = await request(`${url}/api/events`, {
    dispatcher: agent,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      ...(options.lastId !== undefined && { 'last-event-id': options.lastId })
    }
  })
  const messages: Message[] = []
  const comments: string[] = []
  let lastId = options.lastId ?? ''
  let retry = 0
  let fields = { event: '', data: [] as string[] }
  let text = ''
  const line = (line: string) => {
    if (line === '') {
      if (fields.data.length > 0) {
        const data: unknown = JSON.parse(fields.data.join('\n'))
        messages.push({ id: lastId, event: fields.event || 'message', data })
      }
      fields = { event: '', data: [] }
    } else if (line.startsWith(':')) comments.push(line)
    else {
      const [, name, value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? []
      if (name === 'id') lastId = value
      else if (name === 'data') fields.data.push(value)
      else if (name === 'event') fields.event = value
      else if (name === 'retry') retry = Number(value)
    }
  }
  const ended = new Promise<'whole' | 'cut'>((resolve) => {
    body.on('error', () => resolve('cut'))
    body.on('end', () => resolve('whole'))
  })
  if (!options.paused) {
    body.on('data', (chunk) => {
      const lines = (text + String(chunk)).split('\n')
      text = lines.pop() ?? ''
      for (const one of lines) line(one)
    })
  }
  return {
    status: statusCode,
    headers,
    messages,
    comments,
    lastId: () => lastId,
    retryMs: () => retry,
    ended,
    close: () => void agent.destroy()
  }
}
