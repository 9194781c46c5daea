// Numbers as people read them: three figures that matter, a unit, and a space that does not break between them.

const space = '\u00a0'

export const grouped = (value: number) => Math.round(value).toLocaleString('en-US')

export function figure(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 99.95) return grouped(value)
  if (size >= 9.995) return trimmed(value.toFixed(1))
  if (size >= 0.9995) return trimmed(value.toFixed(2))
  if (size < 0.00001) return value.toExponential(1)
  return trimmed(value.toFixed(Math.min(7, 1 - Math.floor(Math.log10(size)))))
}

const trimmed = (digits: string) => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits)

/** @param microseconds any length of time */
export function duration(microseconds: number): string {
  if (microseconds < 999.5) return `${figure(microseconds)}${space}µs`
  if (microseconds < 999_500) return `${figure(microseconds / 1_000)}${space}ms`
  return `${figure(microseconds / 1_000_000)}${space}s`
}

export function memory(bytes: number): string {
  if (bytes < 1_024) return `${figure(bytes)}${space}B`
  if (bytes < 1_048_576) return `${figure(bytes / 1_024)}${space}KiB`
  if (bytes < 1_073_741_824) return `${figure(bytes / 1_048_576)}${space}MiB`
  return `${figure(bytes / 1_073_741_824)}${space}GiB`
}

/** Never rounded up to all, nor down to none: one failure in a million stays visible. */
export function share(part: number): string {
  if (part > 0.9999 && part < 1) return `>${space}99.99${space}%`
  if (part > 0 && part < 0.0001) return `<${space}0.01${space}%`
  const digits = part > 0.99 || part < 0.01 ? 2 : 1
  return `${trimmed((100 * part).toFixed(digits))}${space}%`
}

export const rate = (perSecond: number) => `${figure(perSecond)}/s`
export const times = (ratio: number) => `${figure(ratio)}×`

/** A value in the unit that a gate was written in. */
export function quantity(value: number, unit: string): string {
  if (unit === 'µs' || unit === 'us' || unit === 'microseconds') return duration(value)
  if (unit === 'bytes') return memory(value)
  if (unit === '×' || unit === 'x' || unit === 'ratio') return times(value)
  if (unit === 'share') return share(value)
  return unit === '' ? figure(value) : `${figure(value)}${space}${unit}`
}
