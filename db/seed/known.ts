// Three people who are in every data set, with ids that stay: for tours, examples and tests.

/** Ids of users. Each begins with the moment its user was made, as every UUIDv7 does: `createdAt`. */
export const known = {
  /** Lucía Fernández Ortega, a psychologist in València: public, with bookings, clients and reviews. */
  therapist: { id: '018d0c22-7000-7a11-8000-000000000001', createdAt: '2024-01-15T08:00:00Z' },
  /** A client of hers. */
  client: { id: '018d2823-0440-7a11-8000-000000000002', createdAt: '2024-01-20T18:30:00Z' },
  /** An administrator. */
  admin: { id: '018cf299-9280-7a11-8000-000000000003', createdAt: '2024-01-10T09:00:00Z' }
} as const
