// The base in kubernetes/, as kustomize puts it together: each file to the others, to src/config.ts, and to the types
// of Kubernetes itself. No cluster.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { findProgram } from '../../db/stack/process.ts'
import { troubleWith } from '../../terraform/testing/settings.ts'
import { at, type Data, isObject, list } from './data.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = join(root, 'kubernetes')

const read = (file: string): Data[] =>
  parseAllDocuments(readFileSync(join(directory, file), 'utf8')).map((document) => document.toJS())

const [kustomization = null] = read('kustomization.yaml')
const files = list(kustomization, 'resources').map(String)
const objects = files.flatMap((file) => read(file))
const only = (kind: string): Data => {
  const [found = null, ...rest] = objects.filter((object) => at(object, 'kind') === kind)
  if (found === null || rest.length > 0) throw new Error(`there is not one ${kind}`)
  return found
}

const deployment = only('Deployment')
const pod = at(deployment, 'spec.template.spec')
const [container = null] = list(pod, 'containers')
const labels = at(deployment, 'spec.template.metadata.labels')
const settings = Object.fromEntries(
  readFileSync(join(directory, 'settings.env'), 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split(/=(.*)/s).slice(0, 2))
)

/** A selector finds the pods when each of its labels is theirs. */
function finds(selector: Data): boolean {
  if (!isObject(selector)) return false
  return Object.entries(selector).every(([name, value]) => at(labels, [name]) === value)
}

t.test("everything that selects pods selects the deployment's", async (t) => {
  t.ok(finds(at(deployment, 'spec.selector.matchLabels')))
  t.ok(finds(at(only('Service'), 'spec.selector')))
  t.ok(finds(at(only('PodDisruptionBudget'), 'spec.selector.matchLabels')))
  for (const spread of list(pod, 'topologySpreadConstraints'))
    t.ok(finds(at(spread, 'labelSelector.matchLabels')))
  const policies = objects.filter((object) => at(object, 'kind') === 'NetworkPolicy')
  t.ok(policies.some((policy) => finds(at(policy, 'spec.podSelector.matchLabels'))))
  t.ok(
    policies.some((policy) => Object.keys(at(policy, 'spec.podSelector') ?? {}).length === 0),
    'and one closes the namespace to all that is not named'
  )
})

t.test('the autoscaler moves the deployment, which leaves the number of pods to it', async (t) => {
  const target = at(only('HorizontalPodAutoscaler'), 'spec.scaleTargetRef')
  t.equal(at(target, 'kind'), at(deployment, 'kind'))
  t.equal(at(target, 'name'), at(deployment, 'metadata.name'))
  t.equal(at(target, 'apiVersion'), at(deployment, 'apiVersion'))
  t.equal(at(deployment, 'spec.replicas'), null)
  t.equal(at(only('HorizontalPodAutoscaler'), 'spec.minReplicas'), 10)
  t.equal(at(only('HorizontalPodAutoscaler'), 'spec.maxReplicas'), 100)
})

t.test(
  'each port that is named is a port of the container, and the one that the service listens on',
  async (t) => {
    const ports = new Map(
      list(container, 'ports').map((port) => [at(port, 'name'), at(port, 'containerPort')])
    )
    t.equal(ports.get('http'), Number(settings.PORT))
    t.equal(ports.get('operators'), Number(settings.OPERATORS_PORT))
    for (const port of list(only('Service'), 'spec.ports')) t.ok(ports.has(at(port, 'targetPort')))
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      t.ok(ports.has(at(container, `${probe}.httpGet.port`)), probe)
    const admitted = objects
      .filter((object) => at(object, 'kind') === 'NetworkPolicy')
      .flatMap((policy) => list(policy, 'spec.ingress').flatMap((rule) => list(rule, 'ports')))
    for (const rule of admitted) t.ok(ports.has(at(rule, 'port')))
  }
)

t.test(
  'the probes ask what the service answers: traffic by readiness, restarts by liveness alone',
  async (t) => {
    t.equal(at(container, 'readinessProbe.httpGet.path'), '/health/ready')
    t.equal(at(container, 'livenessProbe.httpGet.path'), '/health/live')
  }
)

t.test('a pod that ends is given longer than the service takes', async (t) => {
  const graceMs = Number(at(pod, 'terminationGracePeriodSeconds')) * 1000
  t.ok(graceMs > Number(settings.SHUTDOWN_MS))
  const probe = at(container, 'readinessProbe')
  const noticedMs = Number(at(probe, 'periodSeconds')) * Number(at(probe, 'failureThreshold')) * 1000
  t.ok(Number(settings.DRAIN_MS) > noticedMs, 'readiness has said so before the listener closes')
})

t.test('the settings are those of src/config.ts, and it takes them', async (t) => {
  t.same(troubleWith(settings), [])
  const sources = list(container, 'envFrom').map(
    (source) => at(source, 'configMapRef.name') ?? at(source, 'secretRef.name')
  )
  const generated = list(kustomization, 'configMapGenerator').map((map) => at(map, 'name'))
  t.same(sources, [...generated, 'turno-secrets'])
  t.same(list(kustomization, 'configMapGenerator.0.envs'), ['settings.env'])
})

t.test('a container may do nothing that it need not', async (t) => {
  t.match(at(pod, 'securityContext'), { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  t.ok(
    Number(at(pod, 'securityContext.runAsUser')) > 0,
    'by number: the image names its user, which proves nothing'
  )
  t.same(at(container, 'securityContext'), {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] }
  })
  t.equal(at(pod, 'automountServiceAccountToken'), false)
  t.equal(at(only('Namespace'), ['metadata', 'labels', 'pod-security.kubernetes.io/enforce']), 'restricted')
  const mounts = list(container, 'volumeMounts').map((mount) => at(mount, 'mountPath'))
  t.ok(
    mounts.includes(settings.AUDIT_SPOOL_DIR ?? ''),
    'what it writes has a place on a root that is read-only'
  )
  const volumes = list(pod, 'volumes').map((volume) => at(volume, 'name'))
  for (const mount of list(container, 'volumeMounts')) t.ok(volumes.includes(at(mount, 'name')))
})

t.test('the quota has room for the largest fleet and a rollout of it', async (t) => {
  const most = Number(at(only('HorizontalPodAutoscaler'), 'spec.maxReplicas'))
  const surge = Number.parseFloat(String(at(deployment, 'spec.strategy.rollingUpdate.maxSurge'))) / 100
  const pods = Math.ceil(most * (1 + surge))
  const hard = at(only('ResourceQuota'), 'spec.hard')
  t.ok(amount(at(hard, ['pods'])) >= pods)
  for (const limit of [
    'requests.cpu',
    'requests.memory',
    'limits.memory',
    'requests.ephemeral-storage',
    'limits.ephemeral-storage'
  ]) {
    const each = amount(at(container, ['resources', ...limit.split('.')]))
    t.ok(each > 0 && amount(at(hard, [limit])) >= each * pods, limit)
  }
})

t.test('the image is one version, and not whatever is newest', async (t) => {
  const [image = null] = list(kustomization, 'images')
  t.equal(at(image, 'name'), at(container, 'image'))
  t.match(at(image, 'newTag'), /^\d+\.\d+\.\d+$/)
})

t.test(
  'each object is what Kubernetes says it is: no field that it lacks, none of another type',
  async (t) => {
    const modules: Readonly<Record<string, string>> = {
      v1: 'core/v1',
      'apps/v1': 'apps/v1',
      'autoscaling/v2': 'autoscaling/v2',
      'policy/v1': 'policy/v1',
      'networking.k8s.io/v1': 'networking/v1'
    }
    const typesOf = (version: string) =>
      join(root, 'node_modules', 'kubernetes-types', modules[version] ?? '')
    const literals = objects.map((object, place) => {
      const version = String(at(object, 'apiVersion'))
      t.ok(version in modules, version)
      const type = `import('${typesOf(version)}').${String(at(object, 'kind'))}`
      return `export const object${place}: ${type} = ${JSON.stringify(object, null, 2)}\n`
    })
    const wrong = `export const wrong: import('${typesOf('apps/v1')}').Deployment = { spec: { selectors: {} } }\n`
    const folder = t.testdir({ 'right.ts': literals.join('\n'), 'wrong.ts': wrong })
    const check = (file: string) =>
      run('env', [
        // tap would load itself into the compiler.
        ...['-u', 'NODE_OPTIONS', process.execPath],
        join(root, 'node_modules/typescript/bin/tsc'),
        ...['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--types', ''],
        join(folder, file)
      ]).then(
        ({ stdout }) => stdout,
        ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr
      )
    t.equal(await check('right.ts'), '')
    t.match(await check('wrong.ts'), /selectors.*does not exist/, 'and it would say so')
  }
)

const kubectl = findProgram('kubectl')
t.test('kustomize puts it together', { skip: kubectl === null && 'there is no kubectl' }, async (t) => {
  const { stdout } = await run(kubectl ?? '', ['kustomize', directory])
  const built = parseAllDocuments(stdout).map((document): Data => document.toJS())
  t.equal(built.length, objects.length + 1, 'the files, and the map of the settings')
  const map = built.find((object) => at(object, 'kind') === 'ConfigMap') ?? null
  const built0 = built.find((object) => at(object, 'kind') === 'Deployment') ?? null
  const reference = at(built0, 'spec.template.spec.containers.0.envFrom.0.configMapRef.name')
  t.equal(reference, at(map, 'metadata.name'), 'under the name that carries its digest')
  t.same(at(map, 'data'), settings)
  for (const object of built)
    if (at(object, 'kind') !== 'Namespace') t.equal(at(object, 'metadata.namespace'), 'turno')
})

/** A quantity as Kubernetes writes it, in its own unit: cores, bytes, pieces. */
function amount(quantity: Data): number {
  const [, number = '0', unit = ''] = /^([\d.]+)(m|Ki|Mi|Gi)?$/.exec(String(quantity)) ?? []
  const factor = { '': 1, m: 0.001, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[unit] ?? Number.NaN
  return Number(number) * factor
}
