// Checks that the examples in an OpenAPI 3.1 document are examples of what they stand beside.

import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

/** One line for each example that its own schema refuses; and how many examples there were. */
export function checkExamples(document: object): { checked: number; refused: string[] } {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, 'document')
  const refused: string[] = []
  let checked = 0

  const check = (example: unknown, schemaAt: string) => {
    checked += 1
    const validate = ajv.compile({ $ref: `document#${encodeURI(schemaAt)}` })
    if (!validate(example))
      refused.push(`${schemaAt}: ${JSON.stringify(example)} ${ajv.errorsText(validate.errors)}`)
  }
  const visit = (node: unknown, at: string, name: string) => {
    if (typeof node !== 'object' || node === null) return
    // A property may be called "example" or "examples" itself: those of a list of properties are names, not keywords.
    if (name !== 'properties' && !Array.isArray(node)) {
      const { example, examples, schema } = node as {
        example?: unknown
        examples?: unknown
        schema?: unknown
      }
      const schemaAt = schema === undefined ? at : `${at}/schema`
      if (example !== undefined) check(example, schemaAt)
      if (Array.isArray(examples)) for (const one of examples) check(one, schemaAt)
      else if (examples !== undefined) {
        for (const one of Object.values(examples as Record<string, { value: unknown }>))
          check(one.value, schemaAt)
      }
    }
    for (const [key, child] of Object.entries(node)) {
      if (name !== 'properties' && (key === 'example' || key === 'examples' || key === 'default')) continue
      visit(child, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, key)
    }
  }
  visit(document, '', '')
  return { checked, refused }
}
