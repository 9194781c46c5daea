// Who is calling, for peers without a framework's plugin: fast-jwt, which @fastify/jwt uses too, with its own cache of
// verified tokens, which its documentation offers and Turno has in a form of its own.
import { createVerifier } from 'fast-jwt'
import { type Caller, Refusal } from './profile-store.ts'
import type { Settings } from './settings.ts'

/** As many as Turno remembers. */
export const rememberedTokens = 5_000

/** The caller of an Authorization header. @throws Refusal */
export function tokenCheck({ jwt }: Settings): (authorization: string | undefined) => Caller {
  const verify = createVerifier({
    key: jwt.publicKey,
    algorithms: ['ES256'],
    allowedIss: jwt.issuer,
    allowedAud: jwt.audience,
    cache: rememberedTokens
  })
  return (authorization) => {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1]
    try {
      const { sub, role } = verify(token ?? '')
      return { id: sub, role }
    } catch {
      throw new Refusal(401, 'not a valid token')
    }
  }
}
