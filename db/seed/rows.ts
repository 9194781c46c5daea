// The tables that are seeded, parents before children, and what a batch of their rows looks like.

import {
  bookings,
  calendars,
  clients,
  documents,
  notifications,
  payments,
  profiles,
  profileTerms,
  reviews,
  services,
  users
} from '../schema.ts'

export const seeded = {
  users,
  profiles,
  profileTerms,
  services,
  calendars,
  clients,
  bookings,
  payments,
  reviews,
  notifications,
  documents
}

export type TableName = keyof typeof seeded

/** Rows to be inserted, by table; what a table's default says is left out. */
export type Rows = { [Name in TableName]: (typeof seeded)[Name]['$inferInsert'][] }

export const tableNames: readonly TableName[] = [
  'users',
  'profiles',
  'profileTerms',
  'services',
  'calendars',
  'clients',
  'bookings',
  'payments',
  'reviews',
  'notifications',
  'documents'
]

export function noRows(): Rows {
  return {
    users: [],
    profiles: [],
    profileTerms: [],
    services: [],
    calendars: [],
    clients: [],
    bookings: [],
    payments: [],
    reviews: [],
    notifications: [],
    documents: []
  }
}

/** Something for each table. */
export function perTable<T>(make: (name: TableName) => T): Record<TableName, T> {
  return {
    users: make('users'),
    profiles: make('profiles'),
    profileTerms: make('profileTerms'),
    services: make('services'),
    calendars: make('calendars'),
    clients: make('clients'),
    bookings: make('bookings'),
    payments: make('payments'),
    reviews: make('reviews'),
    notifications: make('notifications'),
    documents: make('documents')
  }
}
