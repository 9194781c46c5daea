// The seed's design behind an nginx that keeps every answer for one second: what somebody does who may not touch the code.
// What is written is old there for up to a second.

import { startNginx } from './nginx.ts'
import { startPeer } from './peer.ts'
import type { Subject } from './subject.ts'

const name = 'nginx-microcache'

export const nginxMicrocache: Subject = {
  name,
  title: 'nginx, 1 s + the seed’s design',
  serves: ['profiles', 'hit', 'spike', 'knee', 'redis-hung', 'stampede', 'soak'],
  async start(context) {
    const behind = await startPeer({ name: `${name}-express`, file: 'express.ts' }, context)
    const [url = ''] = behind.urls
    const upstream = `
    proxy_cache_path cache levels=1:2 keys_zone=answers:64m max_size=1g inactive=10m use_temp_path=off;
    upstream behind { server ${new URL(url).host}; keepalive 64; }`
    const location = `
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_cache answers;
      proxy_cache_key $request_uri;
      proxy_cache_valid 200 404 1s;
      proxy_cache_lock on;
      proxy_cache_use_stale updating;
      proxy_cache_background_update on;
      add_header X-Cache $upstream_cache_status;`
    try {
      const nginx = await startNginx(name, upstream, location, context)
      return {
        ...nginx,
        pids: { ...nginx.pids, ...behind.pids },
        async stop() {
          await nginx.stop()
          await behind.stop()
        }
      }
    } catch (error) {
      await behind.stop()
      throw error
    }
  }
}
