// The domain model as Drizzle tables: what queries are typed by. The tables themselves are made by db/migrations/, which
// also say what Drizzle cannot (charset, FULLTEXT); test/db/schema.test.ts holds the two together, column by column.
// Instants are UTC; money is in minor units (cents) beside its currency; `version` rises with every edit of its row.

import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  decimal,
  foreignKey,
  index,
  int,
  mediumint,
  mediumtext,
  mysqlEnum,
  mysqlTable,
  primaryKey,
  smallint,
  text,
  tinyint,
  uniqueIndex,
  varchar
} from 'drizzle-orm/mysql-core'
import { ascii, bytes, currency, instant, json, uuid, variableBytes } from './columns.ts'

/** Wall-clock hours `["09:00", "14:00"]` in the calendar's zone; an end at or before the start is on the next day. */
export type Hours = [from: string, to: string]
/** Opening hours by ISO weekday (1 is Monday); a day that is not there is closed. */
export type Weekly = Partial<Record<'1' | '2' | '3' | '4' | '5' | '6' | '7', Hours[]>>
/** Opening hours of single local dates (YYYY-MM-DD) in place of the weekly ones; an empty list closes the day. */
export type Overrides = Record<string, Hours[]>

/** Everybody who can sign in. The private half of a profile. */
export const users = mysqlTable(
  'users',
  {
    id: uuid('id').primaryKey(),
    email: varchar('email', { length: 254 }).notNull(),
    emailNorm: varchar('email_norm', { length: 254 }).generatedAlwaysAs(sql`lower(\`email\`)`, {
      mode: 'stored'
    }),
    passwordHash: ascii('password_hash', { length: 255 }).notNull(),
    role: mysqlEnum('role', ['client', 'therapist', 'admin']).notNull(),
    verificationStatus: mysqlEnum('verification_status', ['unverified', 'pending', 'verified', 'rejected'])
      .notNull()
      .default('unverified'),
    locale: ascii('locale', { length: 16 }).notNull().default('es-ES'),
    timeZone: ascii('time_zone', { length: 64 }).notNull().default('Europe/Madrid'),
    version: int('version', { unsigned: true }).notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
    lastLoginAt: instant('last_login_at'),
    erasedAt: instant('erased_at')
  },
  (table) => [
    uniqueIndex('ux_users_email').on(table.emailNorm),
    index('ix_users_verif').on(table.verificationStatus, table.id),
    index('ix_users_created').on(table.createdAt)
  ]
)

/** A therapist's public page and its private side. `id` is the user's: one identity, one cache tag. */
export const profiles = mysqlTable(
  'profiles',
  {
    id: uuid('id').primaryKey(),
    visibility: mysqlEnum('visibility', ['public', 'private']).notNull().default('private'),
    displayName: varchar('display_name', { length: 120 }).notNull(),
    headline: varchar('headline', { length: 160 }).notNull().default(''),
    bio: text('bio'),
    photoUrl: varchar('photo_url', { length: 512 }),
    city: varchar('city', { length: 80 }).notNull().default(''),
    region: ascii('region', { length: 8 }).notNull().default(''),
    online: boolean('online').notNull().default(false),
    inPerson: boolean('in_person').notNull().default(true),
    priceFrom: int('price_from', { unsigned: true }),
    currency: currency('currency').notNull().default('EUR'),
    ratingAvg: decimal('rating_avg', { precision: 3, scale: 2, mode: 'number' }),
    ratingCount: int('rating_count', { unsigned: true }).notNull().default(0),
    nextSlotAt: instant('next_slot_at', { fsp: 0 }),
    /** Only the owner may see these: licence number, billing. */
    private: json('private').$type<Record<string, unknown>>(),
    version: int('version', { unsigned: true }).notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull()
  },
  (table) => [
    index('ix_prof_list').on(table.visibility, sql`${table.ratingAvg} desc`, table.id),
    index('ix_prof_city').on(table.visibility, table.city, sql`${table.ratingAvg} desc`, table.id),
    index('ix_prof_price').on(table.visibility, table.priceFrom, table.id),
    index('ix_prof_next').on(table.visibility, table.nextSlotAt, table.id),
    foreignKey({ name: 'fk_prof_user', columns: [table.id], foreignColumns: [users.id] })
  ]
)

/** What a therapist is searched by: one narrow table, read both ways. */
export const profileTerms = mysqlTable(
  'profile_terms',
  {
    profileId: uuid('profile_id').notNull(),
    kind: mysqlEnum('kind', ['specialty', 'language', 'approach', 'audience']).notNull(),
    term: ascii('term', { length: 48 }).notNull()
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.term, table.profileId] }),
    index('ix_terms_profile').on(table.profileId, table.kind, table.term),
    foreignKey({ name: 'fk_terms', columns: [table.profileId], foreignColumns: [profiles.id] }).onDelete(
      'cascade'
    )
  ]
)

/** What can be booked: a length, its buffers, a price. */
export const services = mysqlTable(
  'services',
  {
    id: uuid('id').primaryKey(),
    therapistId: uuid('therapist_id').notNull(),
    name: varchar('name', { length: 80 }).notNull(),
    durationMin: smallint('duration_min', { unsigned: true }).notNull(),
    bufferBeforeMin: smallint('buffer_before_min', { unsigned: true }).notNull().default(0),
    bufferAfterMin: smallint('buffer_after_min', { unsigned: true }).notNull().default(10),
    stepMin: smallint('step_min', { unsigned: true }).notNull().default(30),
    price: int('price', { unsigned: true }).notNull(),
    currency: currency('currency').notNull().default('EUR'),
    mode: mysqlEnum('mode', ['online', 'in_person', 'either']).notNull(),
    needsApproval: boolean('needs_approval').notNull().default(false),
    active: boolean('active').notNull().default(true)
  },
  (table) => [
    index('ix_srv_ther').on(table.therapistId, table.active),
    check('ck_srv', sql`\`duration_min\` between 15 and 480 and \`step_min\` between 5 and 480`),
    foreignKey({ name: 'fk_srv', columns: [table.therapistId], foreignColumns: [profiles.id] })
  ]
)

/** One row a therapist: the rules, the lock that every booking takes first, and the version that it raises. */
export const calendars = mysqlTable(
  'calendars',
  {
    therapistId: uuid('therapist_id').primaryKey(),
    version: bigint('version', { mode: 'number', unsigned: true }).notNull().default(1),
    timeZone: ascii('time_zone', { length: 64 }).notNull(),
    weekly: json('weekly').$type<Weekly>().notNull(),
    overrides: json('overrides').$type<Overrides>().notNull(),
    holidayRegion: ascii('holiday_region', { length: 8 }),
    minNoticeMin: int('min_notice_min', { unsigned: true }).notNull().default(1440),
    horizonDays: smallint('horizon_days', { unsigned: true }).notNull().default(60),
    cancelWindowMin: int('cancel_window_min', { unsigned: true }).notNull().default(1440),
    rescheduleWindowMin: int('reschedule_window_min', { unsigned: true }).notNull().default(1440),
    maxReschedules: tinyint('max_reschedules', { unsigned: true }).notNull().default(3),
    maxPerDay: tinyint('max_per_day', { unsigned: true }),
    updatedAt: instant('updated_at').notNull()
  },
  (table) => [foreignKey({ name: 'fk_cal', columns: [table.therapistId], foreignColumns: [profiles.id] })]
)

/** A therapist's own record of a client. An address is unique within one practice: elsewhere it would tell who goes where. */
export const clients = mysqlTable(
  'clients',
  {
    id: uuid('id').primaryKey(),
    therapistId: uuid('therapist_id').notNull(),
    userId: uuid('user_id'),
    name: varchar('name', { length: 160 }).notNull(),
    email: varchar('email', { length: 254 }),
    phone: ascii('phone', { length: 20 }),
    status: mysqlEnum('status', ['active', 'inactive', 'archived']).notNull().default('active'),
    private: json('private').$type<Record<string, unknown>>(),
    version: int('version', { unsigned: true }).notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
    erasedAt: instant('erased_at')
  },
  (table) => [
    uniqueIndex('ux_cli_email').on(table.therapistId, table.email),
    index('ix_cli_list').on(table.therapistId, table.status, table.name, table.id),
    index('ix_cli_user').on(table.userId),
    foreignKey({ name: 'fk_cli_t', columns: [table.therapistId], foreignColumns: [profiles.id] })
  ]
)

/**
 * Sessions booked. `blocksFrom` to `blocksTo` is the session with its buffers, half-open and 12 hours at most, so that
 * an overlap is found in a bounded range. `activeStart` is the last defence: no two live bookings start at once even if
 * a writer forgot the lock; `held` is left out of it, so that a hold that ran out never blocks.
 */
export const bookings = mysqlTable(
  'bookings',
  {
    id: uuid('id').primaryKey(),
    therapistId: uuid('therapist_id').notNull(),
    clientId: uuid('client_id').notNull(),
    serviceId: uuid('service_id').notNull(),
    seriesId: uuid('series_id'),
    startsAt: instant('starts_at', { fsp: 0 }).notNull(),
    endsAt: instant('ends_at', { fsp: 0 }).notNull(),
    blocksFrom: instant('blocks_from', { fsp: 0 }).notNull(),
    blocksTo: instant('blocks_to', { fsp: 0 }).notNull(),
    timeZone: ascii('time_zone', { length: 64 }).notNull(),
    /** The zone's offset when it was booked: where a later tzdb says otherwise, the row needs a human. */
    utcOffsetMin: smallint('utc_offset_min').notNull(),
    status: mysqlEnum('status', [
      'held',
      'pending',
      'confirmed',
      'completed',
      'no_show',
      'cancelled',
      'declined',
      'expired'
    ]).notNull(),
    blocking: boolean('blocking').generatedAlwaysAs(
      sql`\`status\` in ('held','pending','confirmed','completed','no_show')`,
      { mode: 'stored' }
    ),
    activeStart: instant('active_start', { fsp: 0 }).generatedAlwaysAs(
      sql`if(\`status\` in ('pending','confirmed','completed','no_show'),\`starts_at\`,null)`,
      { mode: 'stored' }
    ),
    holdExpiresAt: instant('hold_expires_at'),
    price: int('price', { unsigned: true }).notNull(),
    currency: currency('currency').notNull().default('EUR'),
    mode: mysqlEnum('mode', ['online', 'in_person']).notNull(),
    sequence: smallint('sequence', { unsigned: true }).notNull().default(0),
    cancelReason: varchar('cancel_reason', { length: 500 }),
    cancelledBy: mysqlEnum('cancelled_by', ['client', 'therapist', 'system']),
    version: int('version', { unsigned: true }).notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull()
  },
  (table) => [
    uniqueIndex('ux_bk_backstop').on(table.therapistId, table.activeStart),
    index('ix_bk_overlap').on(
      table.therapistId,
      table.blocking,
      table.blocksFrom,
      table.blocksTo,
      table.status,
      table.holdExpiresAt
    ),
    index('ix_bk_cal').on(table.therapistId, table.startsAt, table.id),
    index('ix_bk_state').on(table.therapistId, table.status, table.startsAt, table.id),
    index('ix_bk_client').on(table.clientId, table.startsAt, table.id),
    index('ix_bk_due').on(table.status, table.holdExpiresAt),
    index('ix_bk_status').on(table.status, table.startsAt),
    index('ix_bk_series').on(table.seriesId),
    index('ix_bk_sync').on(table.therapistId, table.updatedAt, table.id),
    check(
      'ck_bk',
      sql`\`ends_at\` > \`starts_at\` and \`blocks_from\` <= \`starts_at\` and \`blocks_to\` >= \`ends_at\` and \`blocks_to\` <= \`blocks_from\` + interval 12 hour`
    ),
    foreignKey({ name: 'fk_bk_t', columns: [table.therapistId], foreignColumns: [profiles.id] }),
    foreignKey({ name: 'fk_bk_c', columns: [table.clientId], foreignColumns: [clients.id] })
  ]
)

/** The secret address of a therapist's calendar file; its hash, of which nobody can make the address again. */
export const calendarFeeds = mysqlTable(
  'calendar_feeds',
  {
    therapistId: uuid('therapist_id').primaryKey(),
    tokenHash: bytes('token_hash', { length: 32 }).notNull(),
    createdAt: instant('created_at').notNull()
  },
  (table) => [
    uniqueIndex('ux_feed_token').on(table.tokenHash),
    foreignKey({ name: 'fk_feed', columns: [table.therapistId], foreignColumns: [profiles.id] })
  ]
)

/** Money asked and got for a booking. */
export const payments = mysqlTable(
  'payments',
  {
    id: uuid('id').primaryKey(),
    bookingId: uuid('booking_id').notNull(),
    therapistId: uuid('therapist_id').notNull(),
    clientId: uuid('client_id').notNull(),
    amount: int('amount', { unsigned: true }).notNull(),
    refunded: int('refunded', { unsigned: true }).notNull().default(0),
    currency: currency('currency').notNull(),
    status: mysqlEnum('status', [
      'requires_action',
      'processing',
      'succeeded',
      'failed',
      'refunded',
      'partially_refunded',
      'cancelled'
    ]).notNull(),
    provider: ascii('provider', { length: 20 }).notNull(),
    transactionId: ascii('transaction_id', { length: 80 }),
    paidAt: instant('paid_at'),
    version: int('version', { unsigned: true }).notNull().default(1),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull()
  },
  (table) => [
    uniqueIndex('ux_pay_txn').on(table.transactionId),
    index('ix_pay_t').on(table.therapistId, table.status, table.paidAt),
    index('ix_pay_c').on(table.clientId, table.createdAt),
    index('ix_pay_b').on(table.bookingId),
    index('ix_pay_s').on(table.status, table.paidAt),
    check('ck_pay', sql`\`refunded\` <= \`amount\``),
    foreignKey({ name: 'fk_pay_b', columns: [table.bookingId], foreignColumns: [bookings.id] })
  ]
)

/** One review a completed booking. A profile's rating is made of the published ones, in the same transaction. */
export const reviews = mysqlTable(
  'reviews',
  {
    id: uuid('id').primaryKey(),
    bookingId: uuid('booking_id').notNull(),
    therapistId: uuid('therapist_id').notNull(),
    clientId: uuid('client_id').notNull(),
    rating: tinyint('rating', { unsigned: true }).notNull(),
    body: varchar('body', { length: 2000 }).notNull().default(''),
    status: mysqlEnum('status', ['pending', 'published', 'rejected']).notNull().default('pending'),
    reply: varchar('reply', { length: 1000 }),
    createdAt: instant('created_at').notNull()
  },
  (table) => [
    uniqueIndex('ux_rev_b').on(table.bookingId),
    index('ix_rev_list').on(table.therapistId, table.status, table.createdAt, table.id),
    check('ck_rev', sql`\`rating\` between 1 and 5`),
    foreignKey({ name: 'fk_rev_b', columns: [table.bookingId], foreignColumns: [bookings.id] })
  ]
)

/** What a user is told inside the application. */
export const notifications = mysqlTable(
  'notifications',
  {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id').notNull(),
    type: ascii('type', { length: 40 }).notNull(),
    data: json('data').$type<Record<string, unknown>>().notNull(),
    readAt: instant('read_at'),
    createdAt: instant('created_at').notNull()
  },
  (table) => [
    index('ix_not_list').on(table.userId, table.createdAt, table.id),
    index('ix_not_unread').on(table.userId, table.readAt)
  ]
)

/** Files that a user handed in; the bytes lie elsewhere, under `storageKey`. */
export const documents = mysqlTable(
  'documents',
  {
    id: uuid('id').primaryKey(),
    ownerId: uuid('owner_id').notNull(),
    kind: mysqlEnum('kind', ['license', 'id', 'invoice', 'consent', 'other']).notNull(),
    filename: varchar('filename', { length: 200 }).notNull(),
    mediaType: ascii('media_type', { length: 100 }).notNull(),
    size: int('size', { unsigned: true }).notNull(),
    sha256: bytes('sha256', { length: 32 }).notNull(),
    storageKey: ascii('storage_key', { length: 200 }).notNull(),
    status: mysqlEnum('status', ['scanning', 'ready', 'rejected']).notNull(),
    createdAt: instant('created_at').notNull()
  },
  (table) => [
    index('ix_doc_owner').on(table.ownerId, table.createdAt, table.id),
    uniqueIndex('ux_doc_dedupe').on(table.ownerId, table.sha256)
  ]
)

/**
 * Refresh tokens in families. A family is a session: its id is that of its first token, whose row says whether the
 * session lives. A token that comes back used revokes its family.
 */
export const sessions = mysqlTable(
  'sessions',
  {
    id: uuid('id').primaryKey(),
    familyId: uuid('family_id').notNull(),
    userId: uuid('user_id').notNull(),
    tokenHash: bytes('token_hash', { length: 32 }).notNull(),
    /** What the client calls itself. */
    device: varchar('device', { length: 200 }).notNull().default(''),
    usedAt: instant('used_at'),
    revokedAt: instant('revoked_at'),
    expiresAt: instant('expires_at').notNull(),
    createdAt: instant('created_at').notNull()
  },
  (table) => [
    uniqueIndex('ux_ses_hash').on(table.tokenHash),
    index('ix_ses_family').on(table.familyId),
    index('ix_ses_live').on(table.userId, table.usedAt, table.revokedAt, table.expiresAt),
    index('ix_ses_exp').on(table.expiresAt)
  ]
)

/** The answer given to each Idempotency-Key, for a day. */
export const idempotencyKeys = mysqlTable(
  'idempotency_keys',
  {
    userId: uuid('user_id').notNull(),
    route: ascii('route', { length: 64 }).notNull(),
    ikey: ascii('ikey', { length: 64 }).notNull(),
    fingerprint: bytes('fingerprint', { length: 32 }).notNull(),
    status: smallint('status', { unsigned: true }),
    headers: json('headers').$type<Record<string, string>>(),
    body: mediumtext('body'),
    createdAt: instant('created_at').notNull()
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.route, table.ikey] }),
    index('ix_idem_exp').on(table.createdAt)
  ]
)

/**
 * What happened, written in the transaction in which it happened: webhooks, events and the audit read it. `seq` is the
 * order of writing; `place`, given after COMMIT, the order in which readers see: no smaller one ever comes later.
 */
export const outbox = mysqlTable(
  'outbox',
  {
    seq: bigint('seq', { mode: 'number', unsigned: true }).autoincrement().primaryKey(),
    id: uuid('id').notNull(),
    type: ascii('type', { length: 48 }).notNull(),
    subject: ascii('subject', { length: 80 }).notNull(),
    actorId: uuid('actor_id'),
    data: json('data').$type<Readonly<Record<string, unknown>>>().notNull(),
    createdAt: instant('created_at').notNull(),
    doneAt: instant('done_at'),
    /** Ids of users. */
    recipients: json('recipients').$type<readonly string[]>(),
    place: bigint('place', { mode: 'number', unsigned: true })
  },
  (table) => [
    index('ix_out_pending').on(table.doneAt, table.seq),
    index('ix_out_subject').on(table.subject, table.seq),
    uniqueIndex('ux_out_place').on(table.place)
  ]
)

/** How far each has come in the order of events: `placed` is the last place given, the others are consumers. */
export const outboxCursors = mysqlTable('outbox_cursors', {
  name: ascii('name', { length: 32 }).primaryKey(),
  place: bigint('place', { mode: 'number', unsigned: true }).notNull()
})

/** Whose stream an event is in. */
export const outboxRecipients = mysqlTable(
  'outbox_recipients',
  {
    userId: uuid('user_id').notNull(),
    place: bigint('place', { mode: 'number', unsigned: true }).notNull()
  },
  (table) => [primaryKey({ columns: [table.userId, table.place] }), index('ix_rcp_place').on(table.place)]
)

/** Where a user wants to be told of events. Secrets are encrypted; the former one still signs until `formerUntil`. */
export const webhooks = mysqlTable(
  'webhooks',
  {
    id: uuid('id').primaryKey(),
    ownerId: uuid('owner_id').notNull(),
    url: varchar('url', { length: 512 }).notNull(),
    secretEnc: variableBytes('secret_enc', { length: 256 }).notNull(),
    events: json('events').$type<string[]>().notNull(),
    active: boolean('active').notNull().default(true),
    /** Attempts in a row that came to nothing. */
    failures: smallint('failures', { unsigned: true }).notNull().default(0),
    createdAt: instant('created_at').notNull(),
    description: varchar('description', { length: 160 }).notNull().default(''),
    formerSecretEnc: variableBytes('former_secret_enc', { length: 256 }),
    formerUntil: instant('former_until'),
    disabledReason: ascii('disabled_reason', { length: 16 }),
    /** The last time that anything arrived. */
    deliveredAt: instant('delivered_at'),
    version: int('version', { unsigned: true }).notNull().default(1),
    updatedAt: instant('updated_at')
  },
  (table) => [index('ix_wh_owner').on(table.ownerId, table.active)]
)

/** What was, is and will be sent to a webhook: one row for each event. */
export const webhookDeliveries = mysqlTable(
  'webhook_deliveries',
  {
    id: uuid('id').primaryKey(),
    webhookId: uuid('webhook_id').notNull(),
    eventId: uuid('event_id').notNull(),
    type: ascii('type', { length: 48 }).notNull(),
    /** The bytes that are signed and sent, the same each time. */
    body: ascii('body', { length: 500 }).notNull(),
    status: mysqlEnum('status', ['pending', 'delivered', 'failed']).notNull().default('pending'),
    attempts: tinyint('attempts', { unsigned: true }).notNull().default(0),
    nextAttemptAt: instant('next_attempt_at'),
    responseStatus: smallint('response_status', { unsigned: true }),
    failure: ascii('failure', { length: 40 }),
    durationMs: int('duration_ms', { unsigned: true }),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull()
  },
  (table) => [
    uniqueIndex('ux_whd_event').on(table.webhookId, table.eventId),
    index('ix_whd_log').on(table.webhookId, table.id),
    index('ix_whd_due').on(table.status, table.nextAttemptAt),
    index('ix_whd_age').on(table.createdAt)
  ]
)

/** Who did what to which record, when and from where; src/audit alone writes it. The id is the order of time. */
export const auditLog = mysqlTable(
  'audit_log',
  {
    id: uuid('id').primaryKey(),
    at: instant('at').notNull(),
    actorId: uuid('actor_id'),
    actorRole: ascii('actor_role', { length: 16 }),
    action: ascii('action', { length: 48 }).notNull(),
    resource: ascii('resource', { length: 32 }).notNull(),
    resourceId: ascii('resource_id', { length: 64 }),
    outcome: ascii('outcome', { length: 16 }).$type<'success' | 'refused' | 'failure'>().notNull(),
    address: ascii('address', { length: 45 }),
    requestId: ascii('request_id', { length: 64 })
  },
  (table) => [
    index('ix_aud_actor').on(table.actorId, table.id),
    index('ix_aud_resource').on(table.resource, table.resourceId, table.id)
  ]
)

/**
 * The version of each slot that cache tags hash to; raised in the transaction that changes the data.
 * `untold` is 1 while Redis may not know this version yet, else null. All 262,144 rows are there from the start.
 */
export const cacheSlots = mysqlTable(
  'cache_slots',
  {
    slot: mediumint('slot', { unsigned: true }).primaryKey(),
    version: bigint('version', { mode: 'number', unsigned: true }).notNull().default(1),
    untold: tinyint('untold')
  },
  (table) => [index('ix_slots_untold').on(table.untold)]
)
