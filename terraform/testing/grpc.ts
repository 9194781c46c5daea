// Unary gRPC over HTTP/2 (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): a message is five bytes of head and
// its body, the status comes in the trailers. No streams, no compression, no TLS: it serves a unix socket.

import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream
} from 'node:http2'

/** Answers a request; the session is the client's connection. What it throws becomes the status INTERNAL. */
export type Method = (request: Buffer, session: ServerHttp2Session) => Buffer

const HEAD_BYTES = 5
const OK = 0
const UNIMPLEMENTED = 12
const INTERNAL = 13

/** A server of these methods, by path (/package.Service/Method). It does not listen yet. */
export function unaryServer(methods: Readonly<Record<string, Method>>): Http2Server {
  const server = createServer()
  server.on('session', (session) => {
    session.on('error', () => {}) // a client that dies takes its connection along
    session.on('stream', (stream, headers) => answer(stream, headers, methods, session))
  })
  return server
}

function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  methods: Readonly<Record<string, Method>>,
  session: ServerHttp2Session
): void {
  const chunks: Buffer[] = []
  stream.on('error', () => {}) // the client went away: there is nobody left to tell
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    const method = methods[headers[':path'] ?? '']
    if (method === undefined) return end(stream, UNIMPLEMENTED)
    try {
      end(stream, OK, '', method(Buffer.concat(chunks).subarray(HEAD_BYTES), session))
    } catch (error) {
      end(stream, INTERNAL, error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  })
}

function end(stream: ServerHttp2Stream, status: number, message = '', body?: Buffer): void {
  if (stream.destroyed) return
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () =>
    stream.sendTrailers({
      'grpc-status': String(status),
      ...(message === '' ? {} : { 'grpc-message': encodeURIComponent(message) })
    })
  )
  if (body !== undefined) {
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt32BE(body.length, 1)
    stream.write(head)
    stream.write(body)
  }
  stream.end()
}
