// The endpoints of the seed project on capacity, reads 85 to writes 15, as far as Turno has them. Signing in is left out:
// it is a password hash by design, and would measure argon2.
import type { Scenario } from './scenario.ts'

export const practice: Scenario = {
  name: 'practice',
  title: 'A working day',
  says: 'Accounts, bookings, clients, availability and own profiles, each with a token; 15 % writes.',
  mix: {
    me: 26.5,
    bookings: 20,
    clients: 16,
    availability: 13.25,
    ownProfile: 9.25,
    book: 6.4,
    createClient: 3.2,
    patchOwnProfile: 5.4
  },
  encoding: 'browser',
  // Nothing is filled: by then most of what is asked for has been asked for once.
  warmUp: 8,
  open: [{ steps: [{ seconds: 15, rate: 250 }], subjects: ['turno'] }]
}
