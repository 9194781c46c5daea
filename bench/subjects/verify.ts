// Whether two subjects answer alike: before anything is timed, everybody must send the same bytes.
import { hash } from 'node:crypto'
import { type Dispatcher, request } from 'undici'

const answerWithinMs = 10_000

/** Asks both for each path, and returns a line for each that they answer differently, headers aside. */
export async function differences(
  url: string,
  otherUrl: string,
  paths: readonly string[],
  headers: Readonly<Record<string, string>> = {},
  dispatcher?: Dispatcher
): Promise<string[]> {
  const ask = async (base: string, path: string) => {
    const { statusCode, body } = await request(base + path, {
      headers,
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
      ...(dispatcher && { dispatcher })
    })
    const bytes = Buffer.from(await body.arrayBuffer())
    // What a refusal says is everybody's own.
    return statusCode === 200
      ? `${bytes.length} bytes, ${hash('sha256', bytes).slice(0, 12)}`
      : `status ${statusCode}`
  }
  const lines: string[] = []
  for (const path of paths) {
    const [one, other] = await Promise.all([ask(url, path), ask(otherUrl, path)])
    if (one !== other) lines.push(`${path}: ${one} against ${other}`)
  }
  return lines
}
