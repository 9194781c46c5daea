// Lucía's practice with one thing of each kind in it, and people whom none of it concerns.
import { randomUUIDv7 } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import { bytesToUuid, uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { emailOf, seedPassword } from '../accounts/client.ts'
import { booked, lucia, practice } from '../bookings/practice.ts'
import type { Fleet, Reply } from '../fleet.ts'
import { query } from '../statements.ts'

type Headers = Record<string, string>

/** A thing that has an id: which, and who may see it. */
export type Thing = { ids: Record<string, string>; owner: Headers }

export type People = Awaited<ReturnType<typeof people>>

export async function people(all: Fleet) {
  const [instance] = all.instances
  const { url } = all.engines.mysql.primary
  const others = await query<RowDataPacket & { id: Buffer }>(
    url,
    `SELECT p.id FROM profiles p JOIN clients c ON c.therapist_id = p.id
     WHERE p.visibility = 'public' AND p.id <> ? AND c.erased_at IS NULL GROUP BY p.id ORDER BY p.id LIMIT 2`,
    [uuidToBytes(lucia)]
  )
  const [therapist = '', hidden = ''] = others.map(({ id }) => bytesToUuid(id))
  await query(url, "UPDATE profiles SET visibility = 'private' WHERE id = ?", [uuidToBytes(hidden)])

  const hers = await practice(all)
  const made = async (reply: Promise<Reply>): Promise<{ id: string }> => {
    const { status, body } = await reply
    if (status >= 300) throw new Error(`${status} ${body}`)
    return JSON.parse(body)
  }
  const client = await hers.newClient()
  const booking = booked(
    await hers.post({ serviceId: hers.service, start: hers.at(3, '10:00') }, client.headers)
  )
  const hold = booked(
    await hers.post({ serviceId: hers.service, start: hers.at(3, '12:00'), status: 'held' }, client.headers)
  )
  const webhook = await made(
    hers.send('POST', '/api/webhooks', hers.her, {
      url: 'https://hooks.example.com/turno',
      events: ['booking.created']
    })
  )
  const delivery = await made(hers.send('POST', `/api/webhooks/${webhook.id}/ping`, hers.her))
  const email = await emailOf(url, lucia)
  const signedIn = await instance.send('/api/auth/login', {
    method: 'POST',
    body: { email, password: seedPassword }
  })
  const session: { accessToken: string; refreshToken: string; sessionId: string } = JSON.parse(signedIn.body)

  const stranger = await hers.newClient()
  const things: Record<string, Thing> = {
    '/api/auth/sessions/{id}': { ids: { id: session.sessionId }, owner: hers.her },
    '/api/users/{id}/role': { ids: { id: lucia }, owner: hers.as(known.admin.id, 'admin') },
    '/api/profile/{id}': { ids: { id: hidden }, owner: hers.as(hidden, 'therapist') },
    '/api/profiles/{id}': { ids: { id: hidden }, owner: hers.as(hidden, 'therapist') },
    '/api/bookings/{id}': { ids: { id: booking.id }, owner: client.headers },
    '/api/clients/{id}': { ids: { id: booking.clientId }, owner: hers.her }
  }
  for (const path of ['', '/secret', '/ping', '/deliveries', '/deliveries/{deliveryId}/redeliver']) {
    things[`/api/webhooks/{id}${path}`] = {
      ids: { id: webhook.id, deliveryId: delivery.id },
      owner: hers.her
    }
  }

  return {
    hers: { ...hers, therapist: lucia },
    client,
    booking,
    hold,
    session,
    email,
    things,
    /** Whose token says somebody who has nothing to do with any of it. */
    strangers: {
      'another therapist': hers.as(therapist, 'therapist'),
      'another client': stranger.headers,
      'somebody without an account': hers.as(randomUUIDv7(), 'client')
    },
    administrator: hers.as(known.admin.id, 'admin')
  }
}
