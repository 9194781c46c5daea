// Dockerfile and compose.yaml, read without Docker: what they name exists, and what they promise is so.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DockerfileParser } from 'dockerfile-ast'
import t from 'tap'
import { parseDocument } from 'yaml'
import { readSettings } from '../../src/config.ts'
import { troubleWith } from '../../terraform/testing/settings.ts'
import { at, type Data, isObject, list } from './data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
const dockerfile = DockerfileParser.parse(text)
const instructions = dockerfile.getInstructions()
const argumentsOf = (keyword: string) =>
  instructions
    .filter((instruction) => instruction.getKeyword() === keyword)
    .map((instruction) => instruction.getArguments().map((argument) => argument.getValue()))

const stages = argumentsOf('FROM').map(([image = '', , name = '']) => ({ image, name }))
const last = text.slice(text.lastIndexOf('\nFROM '))
const environment = Object.fromEntries(
  [...last.matchAll(/^ENV (.+)$/gm)].flatMap(([, line = '']) =>
    line.split(' ').map((pair) => pair.split(/=(.*)/s).slice(0, 2))
  )
)

t.test('Dockerfile: each stage is of one version of Node, the one that package.json asks for', async (t) => {
  const { engines }: { engines: { node: string } } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8')
  )
  const major = /\d+/.exec(engines.node)?.[0]
  const names = stages.map(({ name }) => name)
  for (const { image } of stages) t.ok(names.includes(image) || image.startsWith(`node:${major}`), image)
})

t.test('Dockerfile: what it copies is there, from this folder or from a stage', async (t) => {
  for (const instruction of dockerfile.getCOPYs()) {
    const from = instruction
      .getFlags()
      .find((flag) => flag.getName() === 'from')
      ?.getValue()
    if (from)
      t.ok(
        stages.some(({ name }) => name === from),
        `stage ${from}`
      )
    else {
      const sources = instruction
        .getArguments()
        .slice(0, -1)
        .map((argument) => argument.getValue())
      for (const source of sources) t.ok(existsSync(join(root, source)), source)
    }
  }
})

t.test('Dockerfile: the service runs as somebody who is not root, by the file that exists', async (t) => {
  const [user = ''] = /^USER (\S+)$/m.exec(last)?.slice(1) ?? []
  t.ok(user !== '' && user !== 'root' && user !== '0')
  t.ok(last.indexOf('\nUSER ') > last.lastIndexOf('\nRUN '), 'and nothing is run after that')
  const command: string[] = JSON.parse(/^CMD (.+)$/m.exec(last)?.[1] ?? '[]')
  t.equal(command[0], 'node')
  t.ok(existsSync(join(root, command.at(-1) ?? '')), 'what it runs')
})

t.test(
  'Dockerfile: its settings are known, it listens where it says, and its health check asks there',
  async (t) => {
    t.same(troubleWith(environment), [])
    const settings = readSettings({
      ...environment,
      NODE_ENV: 'test',
      MYSQL_PRIMARY_URL: 'mysql://user:password@host:3306/database',
      JWT_SECRET: 'x'.repeat(32)
    })
    t.equal(settings.host, '0.0.0.0')
    t.same(argumentsOf('EXPOSE').flat().map(Number), [settings.port, settings.operators.port])
    const asked = /http:\/\/127\.0\.0\.1:(\d+)(\/[\w/]+)/.exec(
      /^HEALTHCHECK [\s\S]*?\n(?! )/m.exec(last)?.[0] ?? ''
    )
    t.same(asked?.slice(1), [String(settings.port), '/health/live'])
    t.match(readFileSync(join(root, 'plugins/health.ts'), 'utf8'), "'/health/live'")
  }
)

t.test('Dockerfile: no secret is built in', async (t) => {
  for (const name of Object.keys(environment)) t.notMatch(name, /SECRET|PASSWORD|TOKEN|URL/)
  t.same(argumentsOf('ARG'), [])
})

const document = parseDocument(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true })
const compose: Data = document.toJS()
const services = Object.entries(at(compose, 'services') ?? {}) as [string, Data][]

t.test('compose.yaml: it is YAML without mistakes, and what its parts name exists', async (t) => {
  t.same(document.errors, [])
  const names = services.map(([name]) => name)
  const volumes = Object.keys(at(compose, 'volumes') ?? {})
  const configs = Object.keys(at(compose, 'configs') ?? {})
  for (const [name, service] of services) {
    const dependencies = at(service, 'depends_on')
    for (const one of Object.keys(isObject(dependencies) ? dependencies : {}))
      t.ok(names.includes(one), `${name}: ${one}`)
    for (const volume of list(service, 'volumes'))
      t.ok(volumes.includes(String(volume).split(':')[0] ?? ''), `${name}: ${volume}`)
    for (const config of list(service, 'configs')) t.ok(configs.includes(String(at(config, 'source'))), name)
    if (at(service, 'build') === null) t.match(at(service, 'image'), /^[\w/.-]+:\d/, `${name} has a version`)
  }
})

t.test('compose.yaml: who waits for another to be healthy waits for one that says so', async (t) => {
  for (const [, service] of services) {
    const dependencies = at(service, 'depends_on')
    for (const [name, how] of Object.entries(isObject(dependencies) ? dependencies : {})) {
      if (at(how, 'condition') === 'service_healthy')
        t.not(at(compose, ['services', name, 'healthcheck']), null, name)
    }
  }
})

t.test('compose.yaml: the service is told settings that it knows, and engines that are there', async (t) => {
  const ours = services.filter(([, service]) => at(service, 'build') !== null)
  t.ok(ours.length > 0)
  for (const [name, service] of ours) {
    const settings = at(service, 'environment')
    const texts = Object.entries(isObject(settings) ? settings : {}).map(([key, value]) => [
      key,
      String(value)
    ])
    t.same(troubleWith(Object.fromEntries(texts)), [], name)
    for (const [, value = ''] of texts) {
      const url = URL.canParse(value) ? new URL(value) : null
      if (url?.protocol === 'mysql:' || url?.protocol === 'redis:')
        t.ok(
          services.some(([one]) => one === url.hostname),
          value
        )
    }
  }
})

t.test('compose.yaml: nothing is open to the network, and the service is given time to drain', async (t) => {
  for (const [, service] of services)
    for (const port of list(service, 'ports')) t.match(port, /^127\.0\.0\.1:/)
  const turno = at(compose, 'services.turno')
  const { http } = readSettings({
    NODE_ENV: 'test',
    MYSQL_PRIMARY_URL: 'mysql://user:password@host:3306/database',
    JWT_SECRET: 'x'.repeat(32)
  })
  t.ok(Number.parseInt(String(at(turno, 'stop_grace_period')), 10) * 1000 > http.shutdownMs)
})
