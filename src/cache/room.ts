// How CACHE_L1_BYTES is divided among what is kept there. Pure.

/** What is asked for most stays as objects, in this share: a hit on one of them unpacks nothing. The rest is packed. */
const hotShare = 1 / 32
/** Things that do not exist live apart, in this share: a flood of random ids must not push out what does. */
const absencesShare = 1 / 16
/** No entry may take more than this share: one big list must not push the hot set out. */
const largestEntryShare = 1 / 128

/** Bytes. `hot` and `absences` lie in V8's heap, the shelf beside it. */
export type Room = { hot: number; absences: number; shelf: number; largestEntry: number }

/** @param l1Bytes of all entries in this process */
export function roomIn(l1Bytes: number): Room {
  const hot = Math.floor(l1Bytes * hotShare)
  const absences = Math.floor(l1Bytes * absencesShare)
  return {
    hot,
    absences,
    shelf: l1Bytes - hot - absences,
    largestEntry: Math.floor(l1Bytes * largestEntryShare)
  }
}
