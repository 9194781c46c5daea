// Bookings as a calendar file, RFC 5545. Times in UTC, which every calendar shows in its own zone. Pure.
import type { Booking } from './schema.ts'
import type { Status } from './transition.ts'

export const calendarType = 'text/calendar; charset=utf-8'

/** What a calendar shows of a booking. No names: calendars are read on other people's screens and servers. */
export type CalendarEvent = Pick<
  Booking,
  'id' | 'start' | 'end' | 'status' | 'sequence' | 'mode' | 'createdAt' | 'updatedAt'
> & { summary: string }

// RFC 5545 §3.8.1.11
const statusOf: Record<Status, 'TENTATIVE' | 'CONFIRMED' | 'CANCELLED'> = {
  held: 'TENTATIVE',
  pending: 'TENTATIVE',
  confirmed: 'CONFIRMED',
  completed: 'CONFIRMED',
  no_show: 'CONFIRMED',
  cancelled: 'CANCELLED',
  declined: 'CANCELLED',
  expired: 'CANCELLED'
}

/** A whole file. Without events it is a calendar in which there is nothing. */
export function calendarFile(events: readonly CalendarEvent[]): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Turno//Bookings//EN',
    'CALSCALE:GREGORIAN',
    ...events.flatMap(eventLines),
    'END:VCALENDAR'
  ]
  return lines.map((line) => `${folded(line)}\r\n`).join('')
}

function eventLines(event: CalendarEvent): string[] {
  return [
    'BEGIN:VEVENT',
    `UID:${event.id}@turno`,
    // When this state of it was made, so that the same state is the same file.
    `DTSTAMP:${utc(event.updatedAt)}`,
    `CREATED:${utc(event.createdAt)}`,
    `LAST-MODIFIED:${utc(event.updatedAt)}`,
    `SEQUENCE:${event.sequence}`,
    `DTSTART:${utc(event.start)}`,
    `DTEND:${utc(event.end)}`,
    `SUMMARY:${escaped(event.summary)}`,
    `STATUS:${statusOf[event.status]}`,
    `TRANSP:${statusOf[event.status] === 'CANCELLED' ? 'TRANSPARENT' : 'OPAQUE'}`,
    'CLASS:PRIVATE',
    'END:VEVENT'
  ]
}

/** §3.3.5, form 2. */
function utc(iso: string): string {
  return `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

/** §3.3.11 */
function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, '\\$&').replaceAll(/\r\n|\r|\n/g, '\\n')
}

const longestLine = 75

/** §3.1: no line longer than 75 octets, and no character cut in two. */
function folded(line: string): string {
  let text = ''
  let octets = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (octets + size > longestLine) {
      text += '\r\n '
      octets = 1
    }
    text += character
    octets += size
  }
  return text
}

/** Whether a calendar file is what Accept wants more than JSON (RFC 9110 §12.5.1). */
export function prefersCalendar(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('text/calendar')) return false
  const weights = new Map(accept.split(',').map(weightOf))
  const calendar = weights.get('text/calendar') ?? 0
  return calendar > 0 && calendar >= (weights.get('application/json') ?? 0)
}

function weightOf(member: string): [type: string, weight: number] {
  const [type = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return [type, weight === undefined ? 1 : Number(weight) || 0]
}
