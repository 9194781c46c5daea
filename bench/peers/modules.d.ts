// What the adapters here call of the peers. The peers are installed when a benchmark first needs them, so the
// compiler cannot be sent to their own declarations.

declare module 'lru-cache-alone' {
  export class LRUCache<K, V> {
    constructor(options: { maxSize: number; sizeCalculation: (value: V, key: K) => number })
    get(key: K): V | undefined
    set(key: K, value: V): this
  }
}

declare module 'bentocache' {
  type Layers = {
    useL1Layer(driver: MemoryDriver): Layers
    useL2Layer(driver: RedisDriver): Layers
    useBus(driver: RedisBusDriver): Layers
  }
  type MemoryDriver = import('bentocache/drivers/memory').MemoryDriver
  type RedisDriver = import('bentocache/drivers/redis').RedisDriver
  type RedisBusDriver = import('bentocache/drivers/redis').RedisBusDriver
  export function bentostore(): Layers
  type Namespace = {
    getOrSet<T>(options: { key: string; factory: () => Promise<T>; ttl: string }): Promise<T>
    delete(options: { key: string }): Promise<boolean>
  }
  export class BentoCache {
    constructor(options: { default: string; prefix?: string; stores: Record<string, Layers> })
    get<T>(options: { key: string }): Promise<T | undefined>
    set(options: { key: string; value: unknown; ttl: string }): Promise<boolean>
    namespace(name: string): Namespace
    disconnectAll(): Promise<void>
  }
}

declare module 'bentocache/drivers/memory' {
  export type MemoryDriver = { readonly options: unknown }
  export function memoryDriver(options: {
    maxItems: number
    maxSize?: string
    serialize?: boolean
  }): MemoryDriver
}

declare module 'bentocache/drivers/redis' {
  type Connection = { host: string; port: number; password: string }
  export type RedisDriver = { readonly redis: unknown }
  export type RedisBusDriver = { readonly bus: unknown }
  export function redisDriver(options: { connection: Connection }): RedisDriver
  export function redisBusDriver(options: { connection: Connection }): RedisBusDriver
}

declare module 'layered-loader/core' {
  export class Loader<T> {
    constructor(options: {
      inMemoryCache: { cacheType: 'lru-map'; maxItems: number; ttlInMsecs: number }
      dataSourceGetOneFn: (key: string) => Promise<T | undefined>
    })
    getInMemoryOnly(key: string): T | null | undefined
    get(key: string): Promise<T | null | undefined>
  }
}

declare module 'async-cache-dedupe' {
  type Storage =
    | { type: 'memory'; options: { size: number } }
    | { type: 'redis'; options: { client: import('ioredis').Redis } }
  type Load<T> = (key: string) => Promise<T>
  type Defined<N extends string, T> = Record<N, Load<T>>
  type Cache<Known = unknown> = Known & {
    define<N extends string, T>(name: N, load: Load<T>): Cache<Known & Defined<N, T>>
    define<N extends string, T>(
      name: N,
      options: { ttl: number },
      load: Load<T>
    ): Cache<Known & Defined<N, T>>
    clear(name: string, key: string): Promise<void>
  }
  export function createCache(options: { ttl?: number; storage: Storage }): Cache
}

declare module 'cacheable' {
  type Store = { readonly opts: unknown }
  export function createKeyv(options: { ttl: string; lruSize: number; useClones: boolean }): Store
  export class Cacheable {
    constructor(options: { primary: Store })
    get<T>(key: string): Promise<T | undefined>
    set(key: string, value: unknown): Promise<boolean>
  }
}

declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  // biome-ignore lint/suspicious/noExplicitAny: what a body is, Express does not say
  type Body = any
  export type Request = IncomingMessage & { url: string; params: { id: string }; body: Body }
  export type Response = ServerResponse & {
    status(code: number): Response
    json(body: unknown): Response
  }
  export type Next = (error?: unknown) => void
  type Handler = (request: Request, response: Response) => unknown
  type Middleware = (request: Request, response: Response, next: Next) => void
  type ErrorHandler = (error: unknown, request: Request, response: Response, next: Next) => void
  type Application = RequestListener & {
    set(setting: string, value: unknown): Application
    use(middleware: Middleware | ErrorHandler): Application
    get(path: string, handler: Handler): Application
    post(path: string, handler: Handler): Application
    patch(path: string, handler: Handler): Application
  }
  const express: { (): Application; json(): Middleware }
  export default express
}
