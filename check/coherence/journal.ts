// What an instance has seen, as records of one size in a file of its own. Writes reach the file before the next step
// is taken, so that a kill -9 loses none; reads a moment later. All times are CLOCK_MONOTONIC in ms, which the processes
// of one machine share.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/** Monotonic ms, the same in every process of this machine (unlike performance.now()). */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export const layers = ['l1', 'redis', 'replica', 'primary', 'stale'] as const
export type Layer = (typeof layers)[number]

const kinds = ['read', 'write', 'stall', 'failedRead', 'failedWrite'] as const

/** `from` and `to`: when the instance began and ended it. A write without end was committed by one that died on it. */
export type Entry = { from: number; to: number } & (
  | {
      kind: 'read'
      /** Reads of one reader follow each other. 0: they may overlap (reads that carry a token). */
      reader: number
      key: number
      value: number
      layer: Layer
      /** The parts of the answer belong to two different moments. */
      torn: boolean
      /** With the token of the write that made this value; 0: without one. */
      written: number
    }
  | { kind: 'write'; item: number; itemValue: number; list: number; listValue: number }
  /** The process itself stood still. */
  | { kind: 'stall' }
  | { kind: 'failedRead' }
  | { kind: 'failedWrite' }
)

const recordBytes = 32
const flushEveryMs = 200
const tornFlag = 0x80

/** The writing end, in the instance. */
export class Journal {
  #file: number
  #reads: Buffer[] = []
  #timer: NodeJS.Timeout

  constructor(path: string) {
    this.#file = openSync(path, 'a')
    this.#timer = setInterval(() => this.flush(), flushEveryMs)
  }

  add(entry: Entry): void {
    const record = encode(entry)
    if (entry.kind === 'read') this.#reads.push(record)
    else writeSync(this.#file, record)
  }

  flush(): void {
    if (this.#reads.length === 0) return
    writeSync(this.#file, Buffer.concat(this.#reads))
    this.#reads = []
  }

  close(): void {
    clearInterval(this.#timer)
    this.flush()
    closeSync(this.#file)
  }
}

/** The reading end, in the checker: what has been added since the last look. */
export class JournalTail {
  #file: number
  #at = 0

  /** The file exists already, if empty. */
  constructor(path: string) {
    this.#file = openSync(path, 'r')
  }

  news(): Entry[] {
    const entries: Entry[] = []
    const chunk = Buffer.allocUnsafe(recordBytes * 4096)
    for (;;) {
      const length = readSync(this.#file, chunk, 0, chunk.length, this.#at)
      const whole = length - (length % recordBytes)
      for (let at = 0; at < whole; at += recordBytes) entries.push(decode(chunk, at))
      this.#at += whole
      if (whole < chunk.length) return entries
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

// kind u8 · reader u8 · layer and torn u8 · unused u8 · key u16 · second key u16 · value u32 · second value u32 ·
// from f64 · to f64
function encode(entry: Entry): Buffer {
  const record = Buffer.alloc(recordBytes)
  record.writeUInt8(kinds.indexOf(entry.kind), 0)
  record.writeDoubleLE(entry.from, 16)
  record.writeDoubleLE(entry.to, 24)
  if (entry.kind === 'read') {
    record.writeUInt8(entry.reader, 1)
    record.writeUInt8(layers.indexOf(entry.layer) + (entry.torn ? tornFlag : 0), 2)
    record.writeUInt16LE(entry.key, 4)
    record.writeUInt32LE(entry.value, 8)
    record.writeUInt32LE(entry.written, 12)
  } else if (entry.kind === 'write') {
    record.writeUInt16LE(entry.item, 4)
    record.writeUInt16LE(entry.list, 6)
    record.writeUInt32LE(entry.itemValue, 8)
    record.writeUInt32LE(entry.listValue, 12)
  }
  return record
}

function decode(chunk: Buffer, at: number): Entry {
  const kind = kinds[chunk.readUInt8(at)]
  const from = chunk.readDoubleLE(at + 16)
  const to = chunk.readDoubleLE(at + 24)
  if (kind === undefined) throw new Error('not a journal')
  if (kind === 'read') {
    const flags = chunk.readUInt8(at + 2)
    return {
      kind,
      from,
      to,
      reader: chunk.readUInt8(at + 1),
      layer: layers[flags & ~tornFlag] ?? 'primary',
      torn: (flags & tornFlag) !== 0,
      key: chunk.readUInt16LE(at + 4),
      value: chunk.readUInt32LE(at + 8),
      written: chunk.readUInt32LE(at + 12)
    }
  }
  if (kind === 'write') {
    return {
      kind,
      from,
      to,
      item: chunk.readUInt16LE(at + 4),
      list: chunk.readUInt16LE(at + 6),
      itemValue: chunk.readUInt32LE(at + 8),
      listValue: chunk.readUInt32LE(at + 12)
    }
  }
  return { kind, from, to }
}
