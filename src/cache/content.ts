// What is cached: a representation as finished bytes, with its validator and its encodings made once. Pure.
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'

/** What a body is compressed with. */
export const compressions = ['gzip', 'br', 'zstd'] as const
export type Compression = (typeof compressions)[number]
export type Encoding = 'identity' | Compression
/** Those that have been made. */
export type Compressed = { readonly [compression in Compression]?: Bytes }

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

/**
 * Few bytes are a string with one byte a character (Latin-1): V8 keeps it in as many bytes, where a Buffer of that size costs
 * another half of it in objects, and node writes a head and such a string to a socket in one piece. Many are a Buffer: of a
 * long string and its head node makes one text on V8's heap, each time that they are written.
 */
export type Bytes = string | Buffer

/** From so many on they are a Buffer. */
const manyBytes = 4_096

/** @param buffer may be part of a larger one, which is not kept */
export function bytesFrom(buffer: Buffer): Bytes {
  return buffer.length < manyBytes ? buffer.toString('latin1') : ownBuffer(buffer)
}

/** Copies them to `at` in a buffer that has room. @returns how many they are */
export function writeBytes(bytes: Bytes, target: Buffer, at: number): number {
  return typeof bytes === 'string' ? target.write(bytes, at, 'latin1') : bytes.copy(target, at)
}

function ownBuffer(buffer: Buffer): Buffer {
  if (buffer.length === buffer.buffer.byteLength) return buffer
  const own = Buffer.allocUnsafeSlow(buffer.length)
  buffer.copy(own)
  return own
}

/** One representation. `absent`: the thing does not exist, and that is known. */
export class Content {
  readonly absent: boolean
  /** What the view makes of the bytes for its entity tag, without quotes. Never empty but for an absence. */
  readonly tag: string
  #identity: Bytes
  // Null until somebody asks for one: of most entries nobody does.
  #compressed: Compressed | null
  #bytes: number

  private constructor(absent: boolean, identity: Bytes, tag: string, compressed: Compressed | null = null) {
    this.absent = absent
    this.tag = tag
    this.#identity = identity
    this.#compressed = compressed
    this.#bytes = identity.length
    if (compressed === null) return
    for (const compression of compressions) this.#bytes += compressed[compression]?.length ?? 0
  }

  static of(body: string, tag: string): Content {
    return new Content(false, bytesFrom(Buffer.from(body)), ownText(tag))
  }

  static absence(): Content {
    return new Content(true, '', '')
  }

  /** From what another instance stored; an empty tag says that the thing is absent. */
  static stored(body: Buffer, tag: string): Content {
    return tag === '' ? Content.absence() : new Content(false, bytesFrom(body), tag)
  }

  /** As it was when it was packed; its texts are its own. `compressed` null: nobody had asked for any. */
  static unpacked(absent: boolean, identity: Bytes, tag: string, compressed: Compressed | null): Content {
    return new Content(absent, identity, tag, compressed)
  }

  /** What has been made of it so far; null: nothing. */
  get compressed(): Compressed | null {
    return this.#compressed
  }

  /** All bytes held, encodings included. */
  get bytes(): number {
    return this.#bytes
  }

  /** The text that the bytes stand for. */
  get text(): string {
    return this.buffer('identity').toString()
  }

  /** The best encoding that pays: a small body, and one that does not shrink, stays as it is. */
  encodingFor(wanted: Encoding): Encoding {
    if (wanted === 'identity' || this.#identity.length < worthEncoding) return 'identity'
    return this.#encode(wanted).length < this.#identity.length ? wanted : 'identity'
  }

  /** The body in that encoding, made at first need and kept. */
  body(encoding: Encoding): Bytes {
    return encoding === 'identity' ? this.#identity : this.#encode(encoding)
  }

  /** The same for those who need a Buffer, to read. */
  buffer(encoding: Encoding): Buffer {
    const body = this.body(encoding)
    return typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  }

  #encode(encoding: Compression): Bytes {
    const known = this.#compressed?.[encoding]
    if (known !== undefined) return known
    const made = bytesFrom(encoders[encoding](this.buffer('identity')))
    this.#compressed = { ...this.#compressed, [encoding]: made }
    this.#bytes += made.length
    return made
  }
}

/** The same text in a string of its own: one that is made of pieces, or cut from another, keeps all of those. */
export function ownText(text: string): string {
  return /^[\x20-\xff]*$/.test(text) ? Buffer.from(text, 'latin1').toString('latin1') : text
}
