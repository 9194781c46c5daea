// What can be measured: a server of some design on the run's engines. The run starts every subject in the same way and
// knows nothing else of it.

/** What a subject stands on. */
export type Context = {
  mysql: { primaryUrl: string; replicaUrls: readonly string[] }
  redisUrl: string
  /** What tokens are signed with: ES256, type `at+jwt`, with `sub`, `role`, `sid`, `iss`, `aud`, `iat`, `nbf`, `exp`. */
  jwt: {
    /** A JWK set with the private key, as JWT_KEYS takes it. */
    keys: string
    publicPem: string
    /** JWT_SECRET: of cursors and consistency tokens. */
    secret: string
    issuer: string
    audience: string
  }
  /** The subject's own, for logs and the like. It exists. */
  directory: string
  /** Its processes run on this processor alone (taskset); null: on any. */
  processor: number | null
  /** Gives up starting. */
  abort: AbortSignal
}

export type RunningSubject = {
  name: string
  /** Base URLs, one for each instance. */
  urls: readonly string[]
  /** Of its own processes, by a name for each. The engines' are not among them. */
  pids: Readonly<Record<string, number>>
  /** Where /metrics is, one for each instance; none where the subject has no such thing. */
  operatorsUrls: readonly string[]
  /** Resolves when its processes are gone. */
  stop(): Promise<void>
}

export type Subject = {
  /** In `--subjects`, files and charts' keys. */
  name: string
  /** For people. */
  title: string
  /** Names of the scenarios that it can serve. */
  serves: readonly string[]
  /** Resolves when it serves. @throws Error of one line when it cannot */
  start(context: Context): Promise<RunningSubject>
}
