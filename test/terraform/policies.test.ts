import t from 'tap'
import { environmentsIn } from '../../terraform/testing/environments.ts'
import { PlannedFleet } from '../../terraform/testing/plan.ts'
import { policies } from '../../terraform/testing/policies.ts'
import { hclDirectory } from '../../terraform/testing/terraform.ts'
import { initialised, skip } from './fixture.ts'

t.test('every plan keeps every policy', { skip }, async (t) => {
  const { terraform, root } = await initialised(t)
  for (const { name, variablesFiles } of environmentsIn(hclDirectory)) {
    await t.test(name, async (t) => {
      const fleet = new PlannedFleet(await terraform.foresee(root, variablesFiles), root)
      for (const { says, check } of policies) t.same(check(fleet), [], says)
    })
  }
})
