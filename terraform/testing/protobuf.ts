// The wire format of protocol buffers (protobuf.dev/programming-guides/encoding), as much as terraform's plugin
// protocol needs: varints, and everything that has a length. Knows no message; a message is its numbered fields.

/** A field as it is written: a nested message is its bytes. Numbers are whole and not negative. */
export type Field = readonly [number: number, value: string | Uint8Array | number | boolean]

/** The fields of a message by number, in the order they came. A repeated field has several. */
export type Fields = ReadonlyMap<number, readonly (number | Buffer)[]>

const VARINT = 0
const FIXED_64 = 1
const WITH_LENGTH = 2
const FIXED_32 = 5

/** Writes what is given, zeros too: inside a oneof a zero that is left out would say that nothing was chosen. */
export function encodeMessage(fields: readonly Field[]): Buffer {
  const parts: Uint8Array[] = []
  for (const [number, value] of fields) {
    if (typeof value === 'number' || typeof value === 'boolean') {
      parts.push(varint(number * 8 + VARINT), varint(Number(value)))
      continue
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    parts.push(varint(number * 8 + WITH_LENGTH), varint(bytes.length), bytes)
  }
  return Buffer.concat(parts)
}

/** @throws RangeError for a message that ends early, a wire type of old (groups), or a number beyond 2^53 */
export function decodeMessage(bytes: Uint8Array): Fields {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const fields = new Map<number, (number | Buffer)[]>()
  let at = 0

  const take = (length: number): Buffer => {
    if (at + length > buffer.length) throw new RangeError('protobuf: the message ends early')
    at += length
    return buffer.subarray(at - length, at)
  }
  const number = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = take(1)[0] ?? 0
      value += (byte & 127) * scale
      if (!Number.isSafeInteger(value)) throw new RangeError('protobuf: a number beyond 2^53')
      if (byte < 128) return value
    }
  }

  while (at < buffer.length) {
    const tag = number()
    const wireType = tag % 8
    const field = Math.floor(tag / 8)
    const values = fields.get(field) ?? []
    fields.set(field, values)
    if (wireType === VARINT) values.push(number())
    else if (wireType === WITH_LENGTH) values.push(take(number()))
    else if (wireType === FIXED_64) values.push(take(8))
    else if (wireType === FIXED_32) values.push(take(4))
    else throw new RangeError(`protobuf: wire type ${wireType}`)
  }
  return fields
}

/** The bytes of a field, of its last value as the specification asks; none when it is absent. */
export function bytesOf(fields: Fields, number: number): Buffer | undefined {
  const value = fields.get(number)?.at(-1)
  return typeof value === 'number' ? undefined : value
}

/** The text of a field; empty when it is absent. */
export function textOf(fields: Fields, number: number): string {
  return bytesOf(fields, number)?.toString('utf8') ?? ''
}

function varint(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`protobuf: ${value} is no whole number`)
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}
