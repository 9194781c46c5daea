// What the kernel knows of processes and of this machine (/proc): processor time, memory, and how much others took.
import { readFileSync } from 'node:fs'

/** USER_HZ: in all Linux kernels of today what /proc counts in. */
const tickMicroseconds = 10_000
const pageBytes = 4_096

/** Processor time of a process so far, all its threads; null when it is gone. */
export function cpuMicroseconds(pid: number): number | null {
  // The name may hold spaces and brackets: what counts comes after its end.
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields ? (Number(fields[11]) + Number(fields[12])) * tickMicroseconds : null
}

/** Resident memory in bytes; 0 when it is gone. */
export function residentBytes(pid: number): number {
  return Number(read(`/proc/${pid}/statm`)?.split(' ')[1] ?? 0) * pageBytes
}

export type MachineTimes = {
  busyMicroseconds: number
  stealMicroseconds: number
  allMicroseconds: number
  /** In which something waited for a processor. Null where the kernel does not tell. */
  pressureMicroseconds: number | null
}

export function machineTimes(): MachineTimes {
  const [first = ''] = (read('/proc/stat') ?? '').split('\n')
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = first
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) * tickMicroseconds)
  const busy = user + nice + system + irq + soft
  const pressure = /some .*total=(\d+)/.exec(read('/proc/pressure/cpu') ?? '')?.[1]
  return {
    busyMicroseconds: busy,
    stealMicroseconds: steal,
    allMicroseconds: busy + idle + wait + steal,
    pressureMicroseconds: pressure === undefined ? null : Number(pressure)
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
