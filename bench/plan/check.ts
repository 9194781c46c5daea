// What a plan would have said of the profiles scenario of a run, beside what was counted. Pure.
import type { Block, Result } from '../result.ts'
import { profiles } from '../scenarios/profiles.ts'
import { changesShare, spent, workOf } from './capacity.ts'
import { type Costs, hitCost, recalibrated, serviceOf } from './costs.ts'
import { hitsOf } from './hits.ts'
import type { Wish } from './options.ts'

export type Compared = {
  /** What speaks against the block. */
  doubts: Block['doubts']
  driver: Block['driver']
  round: number
  requestsPerSecond: number
  hitRatio: { predicted: number; measured: number }
  l1Ratio: { predicted: number; measured: number }
  /** The service's, microseconds of one request. */
  cpu: { predicted: number; measured: number }
}

const { list = 0, item = 0 } = profiles.mix
/** Of the scenario's reads. */
const lists = list / (list + item)
/** Asked before anything is counted, seconds. */
const warmUpSeconds = profiles.warmUp
/** Of the list and the profile in the data of the benchmark, bytes; L1 counts them. */
type Sizes = { item: number; list: number }

/**
 * @param wish of which the keys and the exponent are used where the run does not say
 * @throws Error of one line where the run has nothing to compare with
 */
export function check(result: Result, costs: Costs, wish: Wish, sizes: Sizes): Compared[] {
  const blocks = result.blocks.filter(
    ({ scenario, subject }) => scenario === 'profiles' && subject === 'turno'
  )
  if (blocks.length === 0) throw new Error('this result has no block of Turno in the profiles scenario')
  const option = (name: string, otherwise: number) => {
    const said = Number(result.options[name])
    return Number.isFinite(said) && said > 0 ? said : otherwise
  }
  const itemKeys = Math.min(
    option('profiles', wish.keys),
    profiles.keys?.profiles ?? Number.POSITIVE_INFINITY
  )
  const theta = option('theta', wish.theta)
  const calibrated = recalibrated(costs, result)
  let readsBefore = 0
  return blocks.map((block) => {
    const { counts, seconds, doubts } = block
    const warmUp = (counts.reads / seconds) * warmUpSeconds
    const grown = { from: readsBefore + warmUp, until: readsBefore + warmUp + counts.reads }
    readsBefore = grown.until
    const load = {
      reads: counts.reads / seconds,
      writes: counts.writes / seconds,
      changes: changesShare,
      lists,
      itemKeys,
      listKeys: profiles.keys?.lists ?? wish.listKeys,
      theta,
      itemBytes: sizes.item,
      listBytes: sizes.list
    }
    const hits = hitsOf(
      load,
      { l1Bytes: wish.l1Bytes, processes: 1, redisBytes: 2 ** 40 },
      profiles.filled ? undefined : grown
    )
    const { layers } = counts
    const answered = counts.reads - (layers.failed ?? 0) - (layers.shed ?? 0)
    const loaded = (layers.replica ?? 0) + (layers.primary ?? 0)
    const near = (layers.l1 ?? 0) + (layers.stale ?? 0)
    const payload = counts.bytes / counts.requests - costs.headBytes
    const answering = load.reads * hitCost(calibrated, payload)
    const total = answering + spent('service', workOf(hits, load), lists, calibrated)
    return {
      doubts,
      driver: block.driver,
      round: block.round,
      requestsPerSecond: counts.requests / seconds,
      hitRatio: { predicted: 1 - hits.loaded / load.reads, measured: 1 - loaded / answered },
      l1Ratio: { predicted: hits.l1 / load.reads, measured: near / answered },
      cpu: {
        predicted: total / (load.reads + load.writes),
        measured: serviceOf(counts.cpuMicroseconds) / counts.requests
      }
    }
  })
}
