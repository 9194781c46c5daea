// Measures every request by its route and the layer that answered, and reads the counters of the other parts when
// somebody scrapes. On a cached hit this costs a microsecond or two and allocates nothing (bench/telemetry-cost.ts).
import type { ServerResponse } from 'node:http'
import type { BatchObservableResult, Meter } from '@opentelemetry/api'
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node'
import type { FastifyInstance, onResponseHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Layer } from '../src/cache/events.ts'
import { Requests } from '../src/requests.ts'
import { type Metrics, probeEveryMs, startMetrics } from '../src/telemetry.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
    requests: Requests
  }
  interface FastifyRequest {
    /** The layer whose value was sent; null when the answer did not come through the cache. */
    answeredBy: Layer | null
  }
}

export default fp(
  async (app: FastifyInstance) => {
    const metrics = await startMetrics(app.settings)
    app.decorate('metrics', metrics)
    app.decorateRequest('answeredBy', null)
    const requests = new Requests(metrics.requestDuration)
    app.decorate('requests', requests)
    measureRequests(app, metrics.meter, requests)
    measureRuntime(app, metrics)
    measureParts(app, metrics)
    app.addHook('onClose', metrics.shutdown)
  },
  { name: 'telemetry' }
)

function measureRequests(app: FastifyInstance, meter: Meter, requests: Requests): void {
  meter
    .createObservableUpDownCounter('http.server.active_requests', { description: 'Requests under way.' })
    .addCallback((result) => result.observe(requests.active))
  meter
    .createObservableCounter('turno.http.aborted', {
      description: 'Requests whose client went away before the answer was complete.'
    })
    .addCallback((result) => result.observe(requests.aborted))

  // Shared by all requests: a closure for each would be the dearest part of measuring it.
  function closed(this: ServerResponse): void {
    requests.active--
    if (!this.writableFinished) requests.aborted++
  }
  app.addHook('onRequest', (_request, reply, done) => {
    requests.active++
    reply.raw.on('close', closed)
    done()
  })
  // Told to the client too, so that it can name the request that it asks about.
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id)
    done(null, payload)
  })

  // Each route has a hook of its own: to ask a request for its route's template makes an object of all of its options.
  app.addHook('onRoute', (route) => {
    const durations = requests.durationsOf(route.url)
    const record: onResponseHookHandler = (request, reply, done) => {
      durations.of(request.method, reply.statusCode, request.answeredBy).record(reply.elapsedTime)
      done()
    }
    route.onResponse = [record, ...[route.onResponse ?? []].flat()]
  })
  const nowhere = requests.durationsOf(undefined)
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) {
      nowhere.of(request.method, reply.statusCode, request.answeredBy).record(reply.elapsedTime)
    }
    done()
  })
}

// Event loop (delay, utilisation), garbage collection and heap by the library; what it leaves out here.
function measureRuntime(app: FastifyInstance, { meter, provider }: Metrics): void {
  const runtime = new RuntimeNodeInstrumentation({ monitoringPrecision: probeEveryMs })
  runtime.setMeterProvider(provider)
  app.addHook('onClose', async () => runtime.disable())

  meter
    .createObservableUpDownCounter('process.memory.usage', { description: 'Resident memory.', unit: 'By' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()))
  meter
    .createObservableCounter('process.cpu.time', { description: 'Processor time used.', unit: 's' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage()
      result.observe(user / 1e6, { 'cpu.mode': 'user' })
      result.observe(system / 1e6, { 'cpu.mode': 'system' })
    })
}

// Read when scraped: the parts count in plain numbers and know nothing of metrics.
function measureParts(app: FastifyInstance, { meter }: Metrics): void {
  const count = (name: string, description: string) => meter.createObservableCounter(name, { description })
  const gauge = (name: string, description: string, unit?: string) =>
    meter.createObservableGauge(name, { description, ...(unit !== undefined && { unit }) })

  const connections = meter.createObservableUpDownCounter('db.client.connection.count', {
    description: 'Open connections by state.'
  })
  const connectionsMax = meter.createObservableUpDownCounter('db.client.connection.max', {
    description: 'Connections that the pool may open.'
  })
  const connectionsWaiting = meter.createObservableUpDownCounter('db.client.connection.pending_requests', {
    description: 'Work that waits for a connection.'
  })
  const replicaLag = gauge('turno.replica.lag', 'Seconds a replica is behind, as it says itself.', 's')
  const replicaServing = gauge('turno.replica.serving', '1 while the replica is in rotation.')

  function observeMysql(result: BatchObservableResult): void {
    const { primary, primaryReads, replicas } = app.mysql
    const observePool = (
      name: string,
      stats: { limit: number; open: number; busy: number; waiting: number }
    ) => {
      const pool = { 'db.client.connection.pool.name': name }
      result.observe(connections, stats.busy, { ...pool, 'db.client.connection.state': 'used' })
      result.observe(connections, Math.max(0, stats.open - stats.busy), {
        ...pool,
        'db.client.connection.state': 'idle'
      })
      result.observe(connectionsMax, stats.limit, pool)
      result.observe(connectionsWaiting, stats.waiting, pool)
    }
    observePool('primary', primary.stats())
    observePool('primary-reads', primaryReads.stats())
    for (const { name, serving, lagSeconds, pool } of replicas.states()) {
      observePool(name, pool)
      result.observe(replicaServing, serving ? 1 : 0, { 'turno.replica.name': name })
      if (lagSeconds !== null) result.observe(replicaLag, lagSeconds, { 'turno.replica.name': name })
    }
  }
  const mysqlInstruments = [connections, connectionsMax, connectionsWaiting, replicaLag, replicaServing]

  const answers = count('turno.cache.answers', 'Reads by view and by the layer that answered.')
  const absent = count('turno.cache.absent', 'Answers that said "there is no such thing", by view.')
  const coalesced = count('turno.cache.coalesced', 'Readers that joined another’s load in this process.')
  const loads = count('turno.cache.loads', 'Runs of a view’s loader.')
  const leaseWaits = count('turno.cache.lease.waits', 'Waits for another instance’s load.')
  const lagging = count(
    'turno.cache.replica.lagging',
    'Replica reads given up: it had not seen what is known.'
  )
  const refused = count('turno.cache.fills.refused', 'Loads not shared: something newer was known by then.')
  const revalidated = count('turno.cache.revalidated', 'Entries that the primary confirmed without Redis.')
  const denied = count('turno.cache.census.answers', 'Answers "there is no such thing" without an entry.')
  const censuses = count('turno.cache.censuses', 'Times that all keys of a view were counted in a flood.')
  const announcements = count('turno.cache.announcements', 'Invalidations heard.')
  const linkConnections = count('turno.cache.link.connections', 'Connections made to Redis.')
  const linkLosses = count('turno.cache.link.losses', 'Times that Redis could no longer be trusted.')
  const relayed = count('turno.cache.relayed', 'Invalidations told in the place of a writer that could not.')
  const askedPrimary = count('turno.cache.asked_primary', 'Questions to the primary for versions.')
  const arrivals = count('turno.cache.arrivals', 'Own announcements that came back.')
  const arrivalTime = meter.createObservableCounter('turno.cache.arrival.time', {
    description: 'Time that own announcements took from being told to being heard, in all.',
    unit: 's'
  })
  const evictions = count('turno.cache.evictions', 'Entries given up for want of room.')
  const lockConflicts = count(
    'turno.writes.lock_conflicts',
    'Transactions that met a deadlock or waited too long for a row.'
  )
  const entries = gauge('turno.cache.entries', 'Entries in this process.')
  const entryBytes = gauge('turno.cache.size', 'Bytes that they take.', 'By')
  const trusted = gauge(
    'turno.cache.link.trusted',
    '1 while Redis is believed, 0 while the primary judges alone.'
  )

  function observeCache(result: BatchObservableResult): void {
    const { views, link } = app.cache.counters
    for (const [name, counters] of views) {
      const view = { 'turno.view': name }
      for (const layer of ['l1', 'redis', 'replica', 'primary', 'stale'] as const) {
        result.observe(answers, counters[layer], { ...view, 'turno.cache.layer': layer })
      }
      result.observe(absent, counters.absent, view)
      result.observe(coalesced, counters.coalesced, view)
      result.observe(loads, counters.loads, view)
      result.observe(leaseWaits, counters.leaseWaits, view)
      result.observe(lagging, counters.laggingReplicas, view)
      result.observe(refused, counters.refusedFills, view)
      result.observe(revalidated, counters.revalidated, view)
      result.observe(denied, counters.denied, view)
      result.observe(censuses, counters.censuses, view)
    }
    result.observe(announcements, link.announcements)
    result.observe(linkConnections, link.connections)
    result.observe(linkLosses, link.losses)
    result.observe(relayed, link.relayed)
    result.observe(askedPrimary, link.askedPrimary)
    result.observe(arrivals, link.arrivals)
    result.observe(arrivalTime, link.arrivalMsTotal / 1000)
    result.observe(evictions, app.cache.counters.evictions)
    result.observe(lockConflicts, app.cache.counters.lockConflicts)
    result.observe(entries, app.cache.l1.entries)
    result.observe(entryBytes, app.cache.l1.bytes)
    result.observe(trusted, app.cache.trusted ? 1 : 0)
  }
  const cacheInstruments = [
    answers,
    absent,
    coalesced,
    loads,
    leaseWaits,
    lagging,
    refused,
    revalidated,
    denied,
    censuses,
    announcements,
    linkConnections,
    linkLosses,
    relayed,
    askedPrimary,
    arrivals,
    arrivalTime,
    evictions,
    lockConflicts,
    entries,
    entryBytes,
    trusted
  ]

  const auditRecorded = count('turno.audit.recorded', 'Audit entries recorded.')
  const auditSpooled = count('turno.audit.spooled', 'Audit entries that had to wait on disk.')
  const auditDropped = count('turno.audit.dropped', 'Audit entries lost: neither memory nor disk had room.')
  const auditDamaged = count('turno.audit.damaged', 'Lines on disk that could not be read back.')
  const auditWritten = count('turno.audit.written', 'Audit entries written to the table.')
  const auditRepeated = count('turno.audit.repeated', 'Audit entries that the table had already.')
  const auditUnreadable = count('turno.audit.unreadable', 'Audit entries that were none, and left out.')
  const auditClaimed = count('turno.audit.claimed', 'Audit entries taken over from consumers that died.')
  const auditFailures = count('turno.audit.failures', 'Batches of audit entries that had to be tried again.')
  const auditUnacknowledged = gauge('turno.audit.unacknowledged', 'Audit entries in memory alone.')
  const auditSpoolSize = gauge('turno.audit.spool.size', 'Audit entries on disk.', 'By')
  const auditLag = gauge('turno.audit.lag', 'Audit entries in Redis that the table may not have yet.')

  function observeAudit(result: BatchObservableResult): void {
    const { recorder, consumer } = app.audit
    const { recorded, acknowledged, spooled, dropped } = recorder.counters
    result.observe(auditRecorded, recorded)
    result.observe(auditSpooled, spooled)
    result.observe(auditDropped, dropped)
    result.observe(auditUnacknowledged, recorded - acknowledged - dropped)
    result.observe(auditSpoolSize, recorder.spool.bytes)
    result.observe(auditDamaged, recorder.spool.damaged)
    if (consumer === null) return
    const { written, repeated, unreadable, claimed, failures, waiting } = consumer.counters
    result.observe(auditWritten, written)
    result.observe(auditRepeated, repeated)
    result.observe(auditUnreadable, unreadable)
    result.observe(auditClaimed, claimed)
    result.observe(auditFailures, failures)
    result.observe(auditLag, waiting)
  }
  const auditInstruments = [
    auditRecorded,
    auditSpooled,
    auditDropped,
    auditUnacknowledged,
    auditSpoolSize,
    auditDamaged,
    auditWritten,
    auditRepeated,
    auditUnreadable,
    auditClaimed,
    auditFailures,
    auditLag
  ]

  // The parts join the tree after this plugin, which must be first to time everything.
  app.addHook('onReady', async () => {
    if (app.hasDecorator('mysql')) meter.addBatchObservableCallback(observeMysql, mysqlInstruments)
    if (app.hasDecorator('cache')) meter.addBatchObservableCallback(observeCache, cacheInstruments)
    if (app.hasDecorator('audit')) meter.addBatchObservableCallback(observeAudit, auditInstruments)
  })
}
