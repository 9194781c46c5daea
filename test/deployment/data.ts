// Reading of parsed YAML whose form nobody promises.

export type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data }

/** What a path leads to, null where nothing is. As a text its steps have dots between; as a list they may hold dots. */
export function at(value: Data, path: string | readonly string[]): Data {
  let found: Data | undefined = value
  for (const step of typeof path === 'string' ? path.split('.') : path) {
    if (isList(found)) found = found[Number(step)]
    else if (isObject(found)) found = found[step]
    else return null
  }
  return found ?? null
}

export function list(value: Data, path: string): readonly Data[] {
  const found = at(value, path)
  return isList(found) ? found : []
}

export function isObject(value: Data | undefined): value is { readonly [key: string]: Data } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: Data | undefined): value is readonly Data[] {
  return Array.isArray(value)
}
