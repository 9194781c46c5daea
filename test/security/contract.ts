// The OpenAPI document as these tests go through it: every operation there is, none by name.
import type { Instance } from '../fleet.ts'

export type Schema = {
  type?: string
  format?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  maxLength?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  maxProperties?: number
  additionalProperties?: boolean | Schema
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}
type Parameter = { in: string; name: string; schema: Schema }
type Media = { schema?: Schema; example?: unknown }

export type Operation = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  parameters: Parameter[]
  body: Media | undefined
  /** Needs a token. */
  guarded: boolean
  /** Of an administrator. */
  ofAdmins: boolean
  responses: Record<string, { content?: Record<string, Media> }>
}

type Document = {
  paths: Record<
    string,
    Record<
      string,
      {
        parameters?: Parameter[]
        requestBody?: { content: Record<string, Media> }
        security?: { bearer: string[] }[]
        responses: Operation['responses']
      }
    >
  >
}

export async function operationsOf({ send }: Instance): Promise<Operation[]> {
  const { paths }: Document = JSON.parse((await send('/openapi.json')).body)
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([name, { parameters = [], requestBody, security = [], responses }]) => ({
      method: name.toUpperCase() as Operation['method'],
      path,
      parameters,
      body: requestBody?.content['application/json'],
      guarded: security.length > 0,
      ofAdmins: security.some(({ bearer }) => bearer.includes('admin')),
      responses
    }))
  )
}

/** Sends what the document gives as an example, with the precondition that everything meets. */
export function ask(
  { send }: Instance,
  { method, path, parameters, body }: Operation,
  ids: Readonly<Record<string, string>>,
  headers: Record<string, string> = {}
) {
  const url = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => ids[name] ?? '')
  const conditional = parameters.some(({ name }) => name === 'If-Match')
  return send(url, {
    method,
    headers: { ...(conditional && { 'if-match': '*' }), ...headers },
    ...(body && { body: body.example })
  })
}

/** A stream never ends by itself. */
export const isStream = ({ responses }: Operation) =>
  Object.keys(responses[200]?.content ?? {}).includes('text/event-stream')
