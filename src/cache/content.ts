// What is cached: a representation as finished bytes, with its validator and its encodings made once. Pure.
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'

export type Encoding = 'identity' | 'gzip' | 'br' | 'zstd'

/** Below this many bytes a compressed body saves less than its header costs. */
const worthEncoding = 512

// Measured on a profile: brotli 4 costs what gzip 6 does and is smaller; 11 costs twenty times as much.
const encoders = {
  gzip: (body: Buffer) => gzipSync(body, { level: 6 }),
  br: (body: Buffer) =>
    brotliCompressSync(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_SIZE_HINT]: body.length }
    }),
  zstd: (body: Buffer) => zstdCompressSync(body)
}

/** One representation. `absent`: the thing does not exist, and that is known. */
export class Content {
  readonly absent: boolean
  readonly identity: Buffer
  /** What the view makes of the bytes for its entity tag, without quotes. Never empty but for an absence. */
  readonly tag: string
  #encoded: { gzip?: Buffer; br?: Buffer; zstd?: Buffer } = {}
  #bytes: number

  private constructor(absent: boolean, identity: Buffer, tag: string) {
    this.absent = absent
    this.identity = identity
    this.tag = tag
    this.#bytes = identity.length
  }

  static of(body: string, tag: string): Content {
    return new Content(false, exact(Buffer.from(body)), tag)
  }

  static absence(): Content {
    return new Content(true, Buffer.alloc(0), '')
  }

  /** From what another instance stored; an empty tag says that the thing is absent. */
  static stored(body: Buffer, tag: string): Content {
    return tag === '' ? Content.absence() : new Content(false, exact(body), tag)
  }

  /** All bytes held, encodings included. */
  get bytes(): number {
    return this.#bytes
  }

  /** The best encoding that pays: a small body, and one that does not shrink, stays as it is. */
  encodingFor(wanted: Encoding): Encoding {
    if (wanted === 'identity' || this.identity.length < worthEncoding) return 'identity'
    return this.#encode(wanted).length < this.identity.length ? wanted : 'identity'
  }

  /** The body in that encoding, made at first need and kept. */
  body(encoding: Encoding): Buffer {
    return encoding === 'identity' ? this.identity : this.#encode(encoding)
  }

  #encode(encoding: 'gzip' | 'br' | 'zstd'): Buffer {
    const known = this.#encoded[encoding]
    if (known) return known
    const made = exact(encoders[encoding](this.identity))
    this.#encoded[encoding] = made
    this.#bytes += made.length
    return made
  }
}

// A slice of a socket's or a pool's buffer would keep the whole of it alive for as long as the entry.
function exact(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return bytes
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
