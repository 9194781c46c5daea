// What both Express peers need besides Express.
import type { Next, Request, Response } from 'express'

/** What follows `?`. */
export function queryOf(url: string): string {
  const from = url.indexOf('?')
  return from === -1 ? '' : url.slice(from + 1)
}

/** Express knows an error's handler by its four parameters. */
export function answerErrors(error: unknown, _request: Request, response: Response, _next: Next): void {
  const given = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  const status = error instanceof Error && 'status' in error ? Number(error.status) : given
  response.status(status).json({ error: status < 500 && error instanceof Error ? error.message : 'failed' })
}
