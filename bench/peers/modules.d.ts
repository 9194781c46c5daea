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
  type Layers = { useL1Layer(driver: MemoryDriver): Layers }
  type MemoryDriver = import('bentocache/drivers/memory').MemoryDriver
  export function bentostore(): Layers
  export class BentoCache {
    constructor(options: { default: string; stores: Record<string, Layers> })
    get<T>(options: { key: string }): Promise<T | undefined>
    set(options: { key: string; value: unknown; ttl: string }): Promise<boolean>
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
  type Defined<N extends string, T> = Record<N, (key: string) => Promise<T>>
  export function createCache(options: {
    ttl: number
    storage: { type: 'memory'; options: { size: number } }
  }): { define<N extends string, T>(name: N, load: (key: string) => Promise<T>): Defined<N, T> }
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
