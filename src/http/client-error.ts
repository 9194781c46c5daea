// Requests that never became one: too slow, too large a head, not HTTP. There is no request and no reply to work
// with, only the socket, so the answer is written by hand and the connection ended.

import type { Socket } from 'node:net'
import { Problem, type ProblemKind, problemContentType } from './problem.ts'

const byCode: Record<string, ProblemKind> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload-too-large'
}

const reasons: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large'
}

/**
 * Answers a node:http `clientError` and closes. Whatever follows on this connection cannot be trusted to begin
 * where a request begins, which is how requests are smuggled; so nothing more is read from it.
 */
export function answerOnSocket(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = new Problem(byCode[error.code ?? ''] ?? 'malformed-request')
  const body = JSON.stringify(problem.document())
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${reasons[problem.status]}`,
      `Content-Type: ${problemContentType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      body
    ].join('\r\n'),
    // The other side may never read it, or never close.
    () => socket.destroy()
  )
}
