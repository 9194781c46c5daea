// Where entries wait on disk while Redis is away: lines appended to segments and fsynced, read back in order, and
// removed once the table has them. A crash at any byte costs at most the line that was being written. Knows no Redis.
//
// A folder of this host holds a folder for each process that ever had to spool. A process claims its own (the kernel
// takes the claim back when it dies); whoever starts, or lives on, takes over the folders that nobody claims.
import { randomUUIDv7 } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, realpath, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Claim, claim } from '../../db/stack/claim.ts'

/** A segment is closed at this size: what it takes to read one back into memory. */
const segmentBytes = 4 * 1024 * 1024
const suffix = '.spool'

export type Segment = {
  readonly path: string
  bytes: number
  /** Read back from disk; null until it is needed. */
  lines: string[] | null
  /** How many of `lines` have been handed out, and how many of those are in the table. */
  taken: number
  settled: number
}

/** Lines handed out, all of one segment. */
export type Taken = { segment: Segment; lines: readonly string[] }

export class Spool {
  /** Lines that could not be read back: torn by a crash, or damaged. */
  damaged = 0
  #home: string
  #limitBytes: number
  /** Oldest first; own and taken over. */
  #segments: Segment[] = []
  #writing: { segment: Segment; file: FileHandle } | null = null
  #folder: string | null = null
  /** Of each folder that is ours. */
  #claims = new Map<string, Claim>()
  #made = 0

  /** @param home folder of this host and of one database; made when it is first needed */
  constructor(home: string, limitBytes: number) {
    this.#home = home
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Whether there is something that has not been handed out. */
  get waiting(): boolean {
    return this.#segments.some(({ lines, taken }) => lines === null || taken < lines.length)
  }

  /** Takes over what processes that have died left behind. Their entries come before ours. */
  async adopt(): Promise<void> {
    const folders = await readdir(this.#home).catch((error) => {
      if (isAbsent(error)) return []
      throw error
    })
    for (const name of folders.sort()) {
      const folder = join(await realpath(this.#home), name)
      if (this.#claims.has(folder)) continue
      const claimed = await claim(folder)
      if (claimed === null) continue
      this.#claims.set(folder, claimed)
      const found = await segmentsIn(folder)
      this.#segments.unshift(...found)
      if (found.length === 0) await this.#leave(folder)
    }
  }

  /**
   * Appends lines and waits until the disk has them.
   * @returns how many found room; the rest is lost
   */
  async append(lines: readonly string[]): Promise<number> {
    let room = this.#limitBytes - this.bytes
    let fitting = 0
    let text = ''
    for (const line of lines) {
      const framed = `${crc32(line).toString(16).padStart(8, '0')} ${line}\n`
      if (framed.length > room) break
      room -= framed.length
      text += framed
      fitting++
    }
    if (fitting === 0) return 0
    const { segment, file } = await this.#open()
    try {
      await file.appendFile(text)
      await file.datasync()
    } catch (error) {
      // Nobody knows how much of it is there. Its readable part is read back; the same lines go to a new segment.
      await this.#seal()
      throw error
    }
    segment.bytes += text.length
    if (segment.bytes >= segmentBytes) await this.#seal()
    return fitting
  }

  /** The next lines in order, at most so many; null when all have been handed out. */
  async take(most: number): Promise<Taken | null> {
    for (const segment of [...this.#segments]) {
      if (segment.lines === null) {
        if (this.#writing?.segment === segment) await this.#seal()
        await this.#read(segment)
      }
      const lines = segment.lines?.slice(segment.taken, segment.taken + most) ?? []
      if (lines.length > 0) {
        segment.taken += lines.length
        return { segment, lines }
      }
    }
    return null
  }

  /** They were not given to anybody after all: the last ones that were taken. */
  putBack({ segment, lines }: Taken): void {
    segment.taken = Math.max(0, segment.taken - lines.length)
  }

  /** The table has them. With the last line of a segment its file goes. */
  async settle({ segment, lines }: Taken): Promise<void> {
    segment.settled += lines.length
    if (segment.settled >= (segment.lines?.length ?? Number.POSITIVE_INFINITY)) await this.#remove(segment)
  }

  /** Whatever was handed out may be lost: all that is still on disk will be handed out again. */
  rewind(): void {
    for (const segment of this.#segments) {
      segment.taken = 0
      segment.settled = 0
    }
  }

  async close(): Promise<void> {
    await this.#seal()
    for (const folder of [...this.#claims.keys()]) {
      await rmdir(folder).catch(() => {}) // not empty: for the next process
      this.#claims.get(folder)?.release()
      this.#claims.delete(folder)
    }
  }

  async #open(): Promise<{ segment: Segment; file: FileHandle }> {
    if (this.#writing) return this.#writing
    const folder = await this.#own()
    const path = join(folder, `${String(++this.#made).padStart(6, '0')}${suffix}`)
    const file = await open(path, 'ax', 0o600)
    // A file that is on disk without its name in the folder would not be found after a power cut.
    await syncFolder(folder)
    const segment = { path, bytes: 0, lines: null, taken: 0, settled: 0 }
    this.#segments.push(segment)
    this.#writing = { segment, file }
    return this.#writing
  }

  async #own(): Promise<string> {
    if (this.#folder) return this.#folder
    await mkdir(this.#home, { recursive: true, mode: 0o700 })
    const folder = join(await realpath(this.#home), randomUUIDv7())
    // Claimed before it is there: nobody can take it for an orphan.
    const claimed = await claim(folder)
    if (claimed === null) throw new Error('the name of a new folder is taken')
    this.#claims.set(folder, claimed)
    await mkdir(folder, { mode: 0o700 })
    await syncFolder(this.#home)
    this.#folder = folder
    return folder
  }

  async #seal(): Promise<void> {
    const writing = this.#writing
    this.#writing = null
    await writing?.file.close()
  }

  async #read(segment: Segment): Promise<void> {
    const text = await readFile(segment.path, 'latin1')
    const framed = text.split('\n')
    // After the last line break comes nothing, or a line that a crash has cut.
    const torn = framed.pop()
    if (torn !== '') this.damaged++
    const lines = framed.map(lineIn)
    segment.lines = lines.filter((line) => line !== null)
    this.damaged += lines.length - segment.lines.length
    if (segment.lines.length === 0) await this.#remove(segment)
  }

  async #remove(segment: Segment): Promise<void> {
    this.#segments = this.#segments.filter((one) => one !== segment)
    await rm(segment.path, { force: true })
    const folder = join(segment.path, '..')
    const left = this.#segments.some(({ path }) => join(path, '..') === folder)
    if (!left && folder !== this.#folder) await this.#leave(folder)
  }

  async #leave(folder: string): Promise<void> {
    await rmdir(folder).catch(() => {})
    this.#claims.get(folder)?.release()
    this.#claims.delete(folder)
  }
}

/** A line whose checksum stands; else null. */
function lineIn(framed: string): string | null {
  const line = framed.slice(9)
  return framed[8] === ' ' && Number.parseInt(framed.slice(0, 8), 16) === crc32(line) ? line : null
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(suffix)).sort()
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const { size } = await stat(path)
      return { path, bytes: size, lines: null, taken: 0, settled: 0 }
    })
  )
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
