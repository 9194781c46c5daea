// A page to read and try the API at /docs. It comes whole from here: no font, script or request leaves this origin,
// and the page's own policy would not let one. The page's script is large and few instances are ever asked for it,
// so it is loaded when somebody asks.

import { hash } from 'node:crypto'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import { type FixedContent, fixedContent, sendFixed } from '../src/http/fixed-content.ts'
import { headersOf } from './security-headers.ts'

const script = '/docs/reference.js'

type Page = { html: FixedContent; script: FixedContent; headers: Record<string, string> }

export default fp(
  async (app) => {
    let loading: Promise<Page> | undefined
    const page = () => {
      loading ??= load()
      return loading
    }
    app.get('/docs', { schema: { hide: true } }, async (request, reply) => {
      const { html, headers } = await page()
      return sendFixed(request, reply.headers(headers), html)
    })
    app.get(script, { schema: { hide: true } }, async (request, reply) =>
      sendFixed(request, reply, (await page()).script)
    )
  },
  { name: 'docs', fastify: '5.x' }
)

/** Scalar's plugin, asked once on an instance of its own for what it would serve. */
async function load(): Promise<Page> {
  const { default: reference } = await import('@scalar/fastify-api-reference')
  const probe = Fastify()
  await probe.register(reference, {
    routePrefix: '/docs',
    configuration: {
      pageTitle: 'Turno API',
      url: '/openapi.json',
      cdn: script,
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true }
    }
  })
  const html = (await probe.inject('/docs/')).body
  const code = (await probe.inject('/docs/js/scalar.js')).body
  await probe.close()
  return {
    html: await fixedContent(html, 'text/html; charset=utf-8'),
    script: await fixedContent(code, 'text/javascript; charset=utf-8'),
    headers: await headersFor(html)
  }
}

/** A document, unlike the API's answers, may load and run what comes with it; and nothing else. */
function headersFor(html: string): Promise<Record<string, string>> {
  const inline = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const hashes = inline.map(([, code = '']) => `'sha256-${hash('sha256', code, 'base64')}'`)
  return headersOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", ...hashes],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"]
      }
    },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' }
  })
}
