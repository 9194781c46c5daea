// Answers about availability as bytes: made of months at a moment, and kept for as long as the clock alone would make
// the same of the same months. What is kept cannot be old: a month that changes is another content.
import { LRUCache } from 'lru-cache'
import { Content } from '../cache/content.ts'
import { representationTag } from '../http/conditional.ts'
import { availabilityOf, offerOf } from './offer.ts'
import type { Question } from './question.ts'
import { monthView } from './views.ts'

type Contents = readonly [Content, ...Content[]]
type Kept = { of: Contents; until: number; content: Content }

const keptBytes = 8_000_000

export class Offers {
  #kept = new LRUCache<string, Kept>({
    maxSize: keptBytes,
    sizeCalculation: ({ of, content }) => of.reduce((bytes, month) => bytes + month.bytes, 2 * content.bytes)
  })

  /** @param contents of the months that have a part of what is asked for, in order */
  of(question: Question, contents: Contents, now: number): Content {
    const kept = this.#kept.get(question.text)
    const stands = kept?.of.length === contents.length && kept.of.every((month, i) => month === contents[i])
    if (kept && stands && now < kept.until) return kept.content
    const made = offered(question, contents, now)
    this.#kept.set(question.text, { of: contents, ...made })
    return made.content
  }
}

/**
 * What may be booked of these months, and until when the clock lets it stand.
 * @param ownHoldId the hold of whoever asks
 */
export function offered(
  question: Question,
  [first, ...others]: Contents,
  now: number,
  ownHoldId?: string
): { content: Content; until: number } {
  const months = [monthView.valueIn(first), ...others.map(monthView.valueIn)] as const
  const { therapistId, serviceId, timeZone = months[0].timeZone } = question
  const offer = offerOf(months, question.within(timeZone), now, ownHoldId)
  const availability = availabilityOf({ therapistId, serviceId, timeZone }, months, offer)
  const body = JSON.stringify(availability)
  // Not a row's validator: it may never pass for one in If-Match.
  return {
    content: Content.of(body, `a${representationTag(body, availability.version)}`),
    until: offer.until
  }
}
