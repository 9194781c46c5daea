// The secrets of webhooks: made here, encrypted at rest (AES-256-GCM), and used to sign as Standard Webhooks 1.0.0 has
// it. Pure but for randomness.
import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto'

const cipher = 'aes-256-gcm'
const secretBytes = 32
const nonceBytes = 12
const tagBytes = 16
const keyIdBytes = 4

export type WebhookSecrets = {
  /** A new secret, encrypted for this webhook. */
  make(webhookId: string): { secret: string; encrypted: Buffer }
  /** @throws Error where no key of ours opens it, or it is another webhook's */
  open(webhookId: string, encrypted: Buffer): string
}

/**
 * @param keys 32 bytes each; the first encrypts, all decrypt. None: one is made from `fallback`, the service's secret
 */
export function webhookSecrets(keys: readonly Buffer[], fallback: string): WebhookSecrets {
  const usable =
    keys.length > 0 ? keys : [Buffer.from(hkdfSync('sha256', fallback, '', 'turno webhook secrets', 32))]
  const byId = new Map(usable.map((key) => [idOf(key), key]))
  const [first = Buffer.alloc(0)] = usable

  return {
    make(webhookId) {
      const secret = randomBytes(secretBytes)
      const nonce = randomBytes(nonceBytes)
      // Bound to its webhook: copied to another row it opens nothing.
      const sealing = createCipheriv(cipher, first, nonce).setAAD(Buffer.from(webhookId))
      const sealed = [sealing.update(secret), sealing.final()]
      const encrypted = Buffer.concat([
        Buffer.from(idOf(first), 'hex'),
        nonce,
        sealing.getAuthTag(),
        ...sealed
      ])
      return { secret: `whsec_${secret.toString('base64')}`, encrypted }
    },

    open(webhookId, encrypted) {
      const [keyEnd, nonceEnd] = [keyIdBytes, keyIdBytes + nonceBytes]
      const key = byId.get(encrypted.toString('hex', 0, keyEnd))
      if (!key) throw new Error('a secret of a webhook was encrypted with a key that is not there')
      const opening = createDecipheriv(cipher, key, encrypted.subarray(keyEnd, nonceEnd), {
        authTagLength: tagBytes
      })
        .setAAD(Buffer.from(webhookId))
        .setAuthTag(encrypted.subarray(nonceEnd, nonceEnd + tagBytes))
      const secret = [opening.update(encrypted.subarray(nonceEnd + tagBytes)), opening.final()]
      return `whsec_${Buffer.concat(secret).toString('base64')}`
    }
  }
}

function idOf(key: Buffer): string {
  return hash('sha256', key, 'hex').slice(0, 2 * keyIdBytes)
}

export type SignedHeaders = { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string }

/**
 * The headers of a message: one signature for each secret, so that a receiver may change over while both are good.
 * @param at the moment of this attempt, epoch ms
 */
export function signed(id: string, at: number, body: string, secrets: readonly string[]): SignedHeaders {
  const timestamp = String(Math.floor(at / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
