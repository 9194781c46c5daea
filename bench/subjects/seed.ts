// What the seed projects would have done: Express, mysql2 and a Redis beside; as it is written there, and hardened.
import { startPeer } from './peer.ts'
import type { Subject } from './subject.ts'

const serves = ['profiles', 'hit', 'spike', 'knee', 'redis-hung', 'stampede', 'soak']

export const seed: Subject = {
  name: 'seed',
  title: 'Express + Redis (the seed’s design)',
  serves,
  start: (context) => startPeer({ name: 'seed', file: 'express.ts' }, context)
}

export const seedHardened: Subject = {
  name: 'seed-hardened',
  title: 'Express + Redis, hardened',
  serves,
  start: (context) => startPeer({ name: 'seed-hardened', file: 'express-hardened.ts' }, context)
}
