// The rules of the protocol that can be taken away one at a time, to see what each is for.

/** Each is needed: without it the model finds a way to break a promise. */
export const neededRules = [
  'a replica that lags behind what is known is not used',
  'a proof lives for one tick',
  'what its writer could not tell is relayed',
  'relay before a connection is trusted',
  'relay after a gap in the proofs',
  'a Redis that failed over is another namespace',
  'a slot that Redis does not know is asked of the primary',
  'only who reserved a missing slot creates it',
  'each connection is another generation',
  'only a reply proves',
  'a refusal costs the trust',
  'join a flight only if it knew enough',
  'stamp before rows',
  'stamp and rows in one read view',
  'what a put raises is announced'
] as const

/** These save work; no promise rests on them. */
export const thriftyRules = [
  'one filler in the fleet',
  'a put is refused where something newer is known',
  'a late fill does not replace what is newer'
] as const

export type Rule = (typeof neededRules)[number] | (typeof thriftyRules)[number]
