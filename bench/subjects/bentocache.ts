// Fastify with bentocache: memory, Redis, bus.
import { startPeer } from './peer.ts'
import type { Subject } from './subject.ts'

export const bentocache: Subject = {
  name: 'bentocache',
  title: 'Fastify + bentocache',
  serves: ['profiles', 'hit', 'spike', 'knee', 'redis-hung', 'stampede', 'soak'],
  start: (context) => startPeer({ name: 'bentocache', file: 'bentocache.ts' }, context)
}
