// The HCL before terraform's own engine.

import t from 'tap'
import { runCases } from '../../terraform/testing/cases.ts'
import { errorsOfPlan, errorsOfValidate } from '../../terraform/testing/diagnostics.ts'
import { environmentsIn } from '../../terraform/testing/environments.ts'
import { initialised, skip } from './fixture.ts'

// The cases apply whole fleets; on two busy cores that takes minutes.
t.setTimeout(900_000)

t.test(
  'the HCL is well formed, valid, planned for each environment, and passes its own cases',
  { skip },
  async (t) => {
    const { terraform, root } = await initialised(t)

    const format = await terraform.run(root, ['fmt', '-check', '-recursive', '-no-color'])
    t.equal(format.out, '', 'as terraform fmt writes it')

    const { out } = await terraform.run(root, ['validate', '-json', '-no-tests'])
    t.same(errorsOfValidate(out, root), [])

    for (const { name, variablesFiles } of environmentsIn(root)) {
      const variables = variablesFiles.map((file) => `-var-file=${file}`)
      const plan = await terraform.run(root, ['plan', '-json', '-lock=false', ...variables])
      t.same(errorsOfPlan(plan.out, root), [], name)
      t.equal(plan.code, 0, name)
    }

    for (const { file, passed } of runCases(terraform, root)) await t.resolves(passed, file)
  }
)
