// The path of a request as operators may be told it. The address of a calendar file is its secret, and in the place of an
// id anything may stand: what is no id is left out.
import type { FastifyRequest } from 'fastify'
import { isUuid } from './id.ts'

/** The route's path with the ids that were asked for, `*` for whatever else was; undefined where there is no route. */
export function toldPath({
  routeOptions,
  params
}: Pick<FastifyRequest, 'routeOptions' | 'params'>): string | undefined {
  const given: Readonly<Record<string, unknown>> = Object(params)
  return routeOptions?.url?.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = given[name]
    return typeof value === 'string' && isUuid(value) ? value : '*'
  })
}
