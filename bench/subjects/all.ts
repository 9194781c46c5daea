// Every subject there is. Turno first, then those that it is measured beside.
import { peers } from './peers.ts'
import type { Subject } from './subject.ts'
import { turno } from './turno.ts'

export const subjects: readonly Subject[] = [turno('turno', 1), ...peers]
