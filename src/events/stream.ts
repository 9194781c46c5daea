// One stream of server-sent events (WHATWG HTML §9.2): what goes over the wire, how much of it may wait for a slow
// reader, and how it ends. It knows neither the database nor who is listening.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { PlacedEvent } from './queries.ts'
import type { Listener } from './tail.ts'

/** Short enough for a proxy that drops what is silent for half a minute. */
const beatMs = 15_000
/** What may wait for one reader beyond the kernel's own buffers. More: it is cut, and resumes where it was. */
const mostWaitingBytes = 512 * 1024
/** When a stream has ended, its client waits so long before it opens the next; apart, so that not all come at once. */
const retryMs = { least: 1_000, spread: 2_000 }

/** Why a stream ended. */
export type Ending = 'left' | 'slow' | 'token' | 'drain'

export const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would hold back what it could still gather.
  'x-accel-buffering': 'no'
} as const

export class EventStream implements Listener {
  /** To be sent as the body of the reply. */
  readonly body = new Readable({ read() {}, highWaterMark: mostWaitingBytes })
  /** Once, whatever the reason. */
  onEnd: (ending: Ending) => void = () => {}
  #reply: Pick<ServerResponse, 'writableLength' | 'destroy'>
  #beat: NodeJS.Timeout
  #ended = false
  #sent: () => void

  /**
   * @param reply the socket's side of the body, for what waits there
   * @param sent counts an event
   * @param onBeat whenever silence is broken: the moment to look whether the stream may go on
   */
  constructor(
    reply: Pick<ServerResponse, 'writableLength' | 'destroy'>,
    sent: () => void,
    onBeat: () => void
  ) {
    this.#reply = reply
    this.#sent = sent
    this.#write(`retry: ${retryMs.least + Math.round(Math.random() * retryMs.spread)}\n\n`)
    this.#beat = setInterval(() => {
      this.#write(': still here\n\n')
      onBeat()
    }, beatMs)
    this.#beat.unref()
    this.body.once('close', () => this.#end('left'))
  }

  event(event: PlacedEvent): void {
    this.#sent()
    this.#write(written(event))
  }

  reset(place: number): void {
    this.#write(`id: ${place}\nevent: reset\ndata: {}\n\n`)
  }

  /** An id without data sets where the client would resume and shows it nothing. */
  at(place: number): void {
    this.#write(`id: ${place}\n\n`)
  }

  /** Ends it as a whole: what was written arrives. */
  end(ending: Ending): void {
    if (this.#ended) return
    this.#end(ending)
    this.body.push(null)
  }

  #write(text: string): void {
    if (this.#ended) return
    this.body.push(text)
    if (this.body.readableLength + this.#reply.writableLength <= mostWaitingBytes) return
    this.#end('slow')
    // Whoever does not read would not read a farewell either.
    this.#reply.destroy()
    this.body.destroy()
  }

  #end(ending: Ending): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#beat)
    this.onEnd(ending)
  }
}

const texts = new WeakMap<PlacedEvent, string>()

// Once for all who are told.
function written(event: PlacedEvent): string {
  const known = texts.get(event)
  if (known !== undefined) return known
  const { place, id, type, subject, at, data } = event
  const text = `id: ${place}\ndata: ${JSON.stringify({ id, type, subject, at, data })}\n\n`
  texts.set(event, text)
  return text
}
