// What a peer is told by whoever starts it: where the engines are, whose tokens to believe, what cursors are sealed with.

export type Settings = {
  primaryUrl: string
  replicaUrls: readonly string[]
  redisUrl: string
  /** Of everything it keeps in Redis: peers of one design do not find each other's. */
  keyPrefix: string
  jwt: { publicKey: string; issuer: string; audience: string }
  secret: string
}

export function readSettings(): Settings {
  return {
    primaryUrl: read('MYSQL_PRIMARY_URL'),
    replicaUrls: read('MYSQL_REPLICA_URLS')
      .split(',')
      .filter((url) => url !== ''),
    redisUrl: read('REDIS_URL'),
    keyPrefix: read('KEY_PREFIX'),
    jwt: { publicKey: read('JWT_PUBLIC_KEY'), issuer: read('JWT_ISSUER'), audience: read('JWT_AUDIENCE') },
    secret: read('JWT_SECRET')
  }
}

function read(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: peers are started by bench/subjects/`)
  return value
}
