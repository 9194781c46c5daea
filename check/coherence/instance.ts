// One instance of the fleet under check: a process of its own with readers and writers, started by fleet.ts and told
// over IPC what to do. What it sees goes to its journal.
import { stream } from '../../db/seed/random.ts'
import type { Design, Points } from './design.ts'
import { clock, Journal } from './journal.ts'
import type { Beginning, FromInstance, ToInstance } from './messages.ts'
import { patchModules } from './patch.ts'
import { pointPatches, rules } from './rules.ts'
import { watchStalls } from './stalls.ts'
import { Workload } from './workload.ts'

const heldUpMs = 150
const heldUpShare = 0.3

const [, , design = 'protocol', removed = null] = process.argv

// Whoever started it is gone.
process.once('disconnect', () => process.exit())
// What says so comes at any time after the start, but not before it can be heard.
const beginning = new Promise<Beginning>((resolve) => {
  process.once('message', (message: ToInstance) => {
    if (message.say === 'begin') resolve(message.beginning)
  })
})
const open = await load()
await begin(await beginning)

// The code under check is loaded after the patches are in place.
async function load(): Promise<(beginning: Beginning, points: Points) => Promise<Design>> {
  if (design === 'naive') return (await import('./naive.ts')).openNaive
  const rule = rules.find(({ name }) => name === removed)
  patchModules([...pointPatches, ...(rule?.patches ?? [])])
  return (await import('./protocol.ts')).openProtocol
}

async function begin(beginning: Beginning): Promise<void> {
  const { rows, seed } = beginning
  const journal = new Journal(beginning.journal)
  const random = stream(seed, 'held up')
  let { slow } = beginning
  let dying = false

  const holdUp = async () => {
    if (slow && random.chance(heldUpShare)) await pause(random.integer(1, heldUpMs))
  }
  globalThis.checkPoints = {
    loading: holdUp,
    answered: holdUp,
    async committed(raised) {
      if (!dying) return holdUp()
      journal.add({ kind: 'write', from: clock(), to: clock(), ...raised })
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => {})
    }
  }
  const design = await open(beginning, globalThis.checkPoints)
  const workload = new Workload({ design, journal, rows, random: stream(seed, 'workload'), announce: tell })
  process.on('message', (message: ToInstance) => {
    if (message.say === 'slow') slow = message.on
    else if (message.say === 'crash') dying = true
    else if (message.say === 'read') void workload.readOwn(message.key, message.token, message.written)
    else if (message.say === 'stop') {
      journal.close()
      process.exit()
    }
  })
  watchStalls((from, to) => journal.add({ kind: 'stall', from, to }))
  workload.start()
  tell({ say: 'ready' })
}

function tell(message: FromInstance): void {
  if (process.connected) process.send?.(message)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
