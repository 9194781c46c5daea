// A plain balancer: asks each backend whether it is ready, sends in turn to those that said so last, and never tries
// a request twice. What it loses, a real one in front of the service would lose.
import {
  createServer,
  Agent as HttpAgent,
  type IncomingMessage,
  request,
  type ServerResponse
} from 'node:http'
import type { AddressInfo } from 'node:net'

const askEveryMs = 50
const patienceMs = 1000

class Backend {
  readonly url: string
  ready = false
  served = 0

  constructor(url: string) {
    this.url = url
  }
}

export class Balancer {
  #backends: Backend[] = []
  #turn = 0
  #agent = new HttpAgent({ keepAlive: true })
  #server = createServer((asked, reply) => this.#forward(asked, reply))
  #timer: NodeJS.Timeout | undefined

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#askAll()
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#server.closeAllConnections()
    this.#server.close()
    this.#agent.destroy()
  }

  add(url: string): void {
    this.#backends.push(new Backend(url))
  }

  remove(url: string): void {
    this.#backends = this.#backends.filter((backend) => backend.url !== url)
  }

  /** Requests answered by this backend. */
  served(url: string): number {
    return this.#find(url)?.served ?? 0
  }

  ready(url: string): boolean {
    return this.#find(url)?.ready ?? false
  }

  #find(url: string): Backend | undefined {
    return this.#backends.find((backend) => backend.url === url)
  }

  #askAll(): void {
    for (const backend of this.#backends) this.#ask(backend)
    this.#timer = setTimeout(() => this.#askAll(), askEveryMs)
  }

  #ask(backend: Backend): void {
    const question = request(
      `${backend.url}/health/ready`,
      { agent: false, timeout: patienceMs },
      (reply) => {
        backend.ready = reply.statusCode === 200
        reply.resume()
      }
    )
    question.on('timeout', () => question.destroy())
    question.on('error', () => {
      backend.ready = false
    })
    question.end()
  }

  #forward(asked: IncomingMessage, reply: ServerResponse): void {
    const ready = this.#backends.filter((backend) => backend.ready)
    const backend = ready[this.#turn++ % ready.length]
    if (!backend) {
      lost(reply, 'no backend is ready')
      return
    }
    const { method = 'GET', url = '/', headers } = asked
    const { connection: _, ...forwarded } = headers
    const sent = request(
      backend.url + url,
      { method, headers: forwarded, agent: this.#agent },
      (answer: IncomingMessage) => {
        backend.served++
        const { connection: _, 'keep-alive': __, ...kept } = answer.headers
        reply.writeHead(answer.statusCode ?? 502, kept)
        answer.pipe(reply)
        answer.on('error', () => reply.destroy())
      }
    )
    sent.on('error', (error) => lost(reply, error.message))
    asked.pipe(sent)
  }
}

function lost(reply: ServerResponse, why: string): void {
  if (reply.headersSent) reply.destroy()
  else reply.writeHead(502).end(why)
}
