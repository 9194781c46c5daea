// A real nginx in front of what a test gives it, and a client that trusts it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Agent, type Dispatcher, request } from 'undici'
import { hasNginx, type Nginx, startNginx } from '../../nginx/start.ts'

/** For `t.test`: why there is nothing to test, where there is no nginx. */
export const skip = hasNginx() ? false : 'nginx or openssl is not installed'

export const refreshSecret = 'a secret of this test run'

export type Reply = { status: number; headers: Record<string, string | string[] | undefined>; body: string }
export type Ask = (
  path: string,
  options?: { method?: Dispatcher.HttpMethod; headers?: Record<string, string>; body?: string | Buffer }
) => Promise<Reply>

export type Edge = Nginx & { ask: Ask }

/** It believes X-Forwarded-For of loopback, so that a test can come from anywhere. Gone with the test. */
export async function edge(
  t: Pick<Test, 'teardown'>,
  upstreams: readonly string[],
  role: 'edge' | 'instance' = 'edge'
): Promise<Edge> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-nginx-'))
  const nginx = await startNginx({ role, directory, upstreams, trusted: ['127.0.0.1'], refreshSecret })
  const agent = new Agent({ connect: { ca: nginx.certificate }, connections: 64, allowH2: false })
  t.teardown(async () => {
    await agent.destroy()
    await nginx.stop()
    await rm(directory, { recursive: true, force: true })
  })
  return {
    ...nginx,
    async ask(path, { method = 'GET', headers = {}, body } = {}) {
      const reply = await request(nginx.url + path, {
        method,
        headers,
        dispatcher: agent,
        ...(body !== undefined && { body })
      })
      return { status: reply.statusCode, headers: reply.headers, body: await reply.body.text() }
    }
  }
}

/** What the edge itself says of an answer: its member of Cache-Status. */
export function edgeSays({ headers }: Reply): string {
  const members = [headers['cache-status'] ?? ''].flat().join(', ').split(', ')
  return members.find((member) => member.startsWith('turno-edge'))?.slice('turno-edge; '.length) ?? ''
}
