// Ceilings: what sending the same bytes costs when nothing else is done. They forget nothing and learn nothing, so they
// serve only what nobody writes.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { profileStore } from '../peers/servers/profile-store.ts'
import { startNginx } from './nginx.ts'
import { startPeer } from './peer.ts'
import type { Context, Subject } from './subject.ts'

/** The first by id are written out: more than the scenario asks for. */
const files = 1_000

export const bare: Subject = {
  name: 'bare',
  title: 'A bare Fastify route',
  serves: ['hit', 'hit-token'],
  start: (context) => startPeer({ name: 'bare', file: 'bare.ts' }, context)
}

export const nginxStatic: Subject = {
  name: 'nginx-static',
  title: 'nginx, files',
  serves: ['hit'],
  async start(context) {
    const root = join(context.directory, 'nginx-static-files')
    await writeProfiles(context, join(root, 'api', 'profile'))
    const location = `
      root ${root};
      default_type 'application/json; charset=utf-8';
      etag off;
      open_file_cache max=2000;
      open_file_cache_valid 1h;`
    return startNginx('nginx-static', '', location, context)
  }
}

async function writeProfiles({ mysql, jwt, abort }: Context, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const store = profileStore({ ...mysql, secret: jwt.secret })
  try {
    for (const id of await store.ids(files)) {
      abort.throwIfAborted()
      await writeFile(join(directory, id), JSON.stringify(await store.find(id)))
    }
  } finally {
    await store.close()
  }
}
