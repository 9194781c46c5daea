// Terraform for a test file, where this machine has it: attached to our provider, gone with the test.

import type { Test } from 'tap'
import {
  absent,
  attachTerraform,
  hclDirectory,
  type Terraform,
  terraformProgram
} from '../../terraform/testing/terraform.ts'

/** For tap's `skip`: why there is nothing to test, or false. */
export const skip = terraformProgram() === null ? absent : false

/** Terraform, and a copy of the repository's HCL that init has seen. */
export async function initialised(
  t: Pick<Test, 'teardown'>
): Promise<{ terraform: Terraform; root: string }> {
  const terraform = await attachTerraform()
  t.teardown(() => terraform.close())
  const root = await terraform.copyOf(hclDirectory)
  const { code, err } = await terraform.run(root, ['init', '-backend=false', '-no-color'])
  if (code !== 0) throw new Error(err)
  return { terraform, root }
}
