import t from 'tap'
import { Type } from 'typebox'
import { parseFields, project, selectableFields } from '../../src/http/fields.ts'
import { thrown } from './thrown.ts'

const Profile = Type.Object({ id: Type.String(), name: Type.String(), city: Type.Optional(Type.String()) })
const selectable = selectableFields(Profile)

t.test('one gets the fields that one asks for', async (t) => {
  const profile = { id: '1', name: 'Ana', email: 'not in the schema' }
  t.same(project(profile, parseFields('name,id', selectable)), { id: '1', name: 'Ana' })
  t.same(project(profile, parseFields('city', selectable)), {}, 'an absent one stays absent')
})

t.test('two spellings of one wish are one projection', async (t) => {
  t.same(parseFields('name, id,name', selectable), parseFields('id,name', selectable))
})

t.test('a field outside the schema is refused by name, also one that every object has', async (t) => {
  for (const name of ['email', '__proto__', 'toString', '', 'id,']) {
    const problem = thrown(() => parseFields(name, selectable))
    t.match(problem, { kind: 'invalid-parameter', errors: [{ parameter: 'fields' }] }, name)
  }
})
