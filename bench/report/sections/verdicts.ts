// The verdict of a run and of each gate. What was not measured soundly has a shape, a word and a colour of its own: it
// can be mistaken neither for a pass nor for a failure.
import type { Result, Verdict } from '../../result.ts'
import { escaped } from '../markup.ts'
import { figure, grouped, quantity } from '../quantities.ts'

type Outcome = Verdict['outcome']

const words: Record<Outcome, string> = {
  pass: 'pass',
  broken: 'broken',
  invalid: 'invalid',
  'not run': 'not run'
}
const classes: Record<Outcome, string> = {
  pass: 'pass',
  broken: 'broken',
  invalid: 'invalid',
  'not run': 'not-run'
}
const shapes: Record<Outcome, string> = {
  pass: '<circle cx="9" cy="9" r="8" class="f-pass"/><path d="M5 9.3l2.8 2.8L13 6.6" class="s-paper" stroke-width="2"/>',
  broken:
    '<rect x="1" y="1" width="16" height="16" rx="3" class="f-broken"/><path d="M5.5 5.5l7 7m0-7l-7 7" class="s-paper" stroke-width="2"/>',
  invalid:
    '<path d="M9 1l8 8-8 8-8-8z" class="s-invalid" stroke-width="1.5" stroke-dasharray="3 2"/><path d="M9 5v4.6M9 11.6v1.4" class="s-invalid" stroke-width="1.8"/>',
  'not run':
    '<circle cx="9" cy="9" r="7.5" class="s-not-run" stroke-width="1.25"/><path d="M5.5 9h7" class="s-not-run" stroke-width="1.5"/>'
}

/** As judged, except that a pass without a value inside its bound is none. */
export function outcomeOf({ outcome, value, bound, direction }: Verdict): Outcome {
  if (outcome !== 'pass') return outcome
  if (value === null || !Number.isFinite(value)) return 'invalid'
  return (direction === 'at most' ? value <= bound : value >= bound) ? 'pass' : 'invalid'
}

export type Overall = { outcome: Outcome; headline: string; detail: string }

/** As the exit code says it: a broken gate weighs more than an invalid one, and only all gates passed are a pass. */
export function overallOf({ verdicts }: Result): Overall {
  const count = (outcome: Outcome) => verdicts.filter((verdict) => outcomeOf(verdict) === outcome).length
  const [passed, broken, invalid, missing] = [
    count('pass'),
    count('broken'),
    count('invalid'),
    count('not run')
  ]
  const parts = [
    passed > 0 ? `${passed} passed` : '',
    broken > 0 ? `${broken} broken` : '',
    invalid > 0 ? `${invalid} invalid` : '',
    missing > 0 ? `${missing} not run` : ''
  ].filter((part) => part !== '')
  const detail = `${parts.join(', ')} of ${verdicts.length} gates.`
  if (verdicts.length === 0)
    return { outcome: 'not run', headline: 'Not judged', detail: 'No gate was judged in this run.' }
  if (broken > 0) return { outcome: 'broken', headline: 'Broken', detail }
  if (invalid > 0) {
    return {
      outcome: 'invalid',
      headline: 'Invalid',
      detail: `${detail} This run proves nothing about the invalid ones: neither that they hold nor that they are broken.`
    }
  }
  if (passed === 0) return { outcome: 'not run', headline: 'Not judged', detail }
  if (missing > 0) return { outcome: 'pass', headline: 'Passed, as far as it was run', detail }
  return { outcome: 'pass', headline: 'Passed', detail: `All ${passed} gates hold.` }
}

export const mark = (outcome: Outcome, size = 18) =>
  `<svg class="mark" width="${size}" height="${size}" viewBox="0 0 18 18" aria-hidden="true">${shapes[outcome]}</svg>`

export function gates({ verdicts }: Result): string {
  const order: readonly Outcome[] = ['broken', 'invalid', 'pass', 'not run']
  const sorted = verdicts.toSorted(
    (one, other) => order.indexOf(outcomeOf(one)) - order.indexOf(outcomeOf(other))
  )
  if (sorted.length === 0) return '<p>No gate was judged in this run.</p>'
  return `<table class="gates"><caption class="unseen">Gates, with what was measured and what is asked</caption>
<thead><tr><th scope="col">Outcome</th><th scope="col">Gate</th><th scope="col">Measured</th><th scope="col">Asked</th><th scope="col">Margin</th><th scope="col">Counted</th></tr></thead>
<tbody>${sorted.map(gate).join('\n')}</tbody></table>
<p class="note">The bar shows the margin on a scale of factors: the line in its middle is the bound, its ends are a tenth and ten times; to the right is better.</p>`
}

function gate(verdict: Verdict): string {
  const outcome = outcomeOf(verdict)
  const { gate: name, says, value, bound, direction, unit, samples } = verdict
  const because = becauseOf(verdict, outcome)
  const reason = because === '' ? '' : `<span class="because">${escaped(because)}</span>`
  return `<tr class="gate ${classes[outcome]}" data-gate="${escaped(name)}" data-outcome="${outcome}">
<td class="outcome">${mark(outcome)} <b>${words[outcome]}</b></td>
<th scope="row">${escaped(says)}<span class="id">${escaped(name)}</span>${reason}</th>
<td class="value">${value === null ? 'nothing' : escaped(quantity(value, unit))}</td>
<td class="bound"><span class="direction">${direction}</span> ${escaped(quantity(bound, unit))}</td>
<td class="margin"><span>${escaped(marginOf(verdict, outcome))}</span>${marginBar(verdict, outcome)}</td>
<td class="samples">${samples === 0 ? 'none' : grouped(samples)}</td></tr>`
}

function becauseOf(verdict: Verdict, outcome: Outcome): string {
  if (verdict.because !== undefined) return verdict.because
  if (outcome !== 'invalid') return ''
  return verdict.outcome === 'pass'
    ? 'said to pass, but without a value inside its bound'
    : 'no reason was given'
}

/** How many times better than its bound; null where that is no number. */
function headroom({ value, bound, direction, unit }: Verdict): number | null {
  // Of a share near all, what is missing tells more: 99.5 % is twice as good as 99 %.
  const all = unit === '%' ? 100 : unit === 'share' ? 1 : null
  if (
    value !== null &&
    all !== null &&
    direction === 'at least' &&
    bound >= all / 2 &&
    bound < all &&
    value <= all
  ) {
    return (all - bound) / (all - value)
  }
  if (value === null || value < 0 || bound <= 0) return null
  return direction === 'at most' ? bound / value : value / bound
}

function marginOf(verdict: Verdict, outcome: Outcome): string {
  if (outcome === 'invalid') return 'not to be trusted'
  if (outcome === 'not run' || verdict.value === null) return 'not measured'
  const factor = headroom(verdict)
  if (factor === null) return outcome === 'pass' ? 'held exactly' : 'outside'
  if (!Number.isFinite(factor)) return 'nothing of it used'
  const side = factor >= 1 ? 'inside' : 'outside'
  const distance = factor >= 1 ? factor : 1 / factor
  if (!Number.isFinite(distance)) return 'far outside'
  if (distance >= 2) return `${figure(distance)}× ${side}`
  return distance === 1
    ? 'exactly at the bound'
    : `${Math.max(1, Math.round(100 * (distance - 1)))}\u00a0% ${side}`
}

const barWidth = 120

function marginBar(verdict: Verdict, outcome: Outcome): string {
  const middle = barWidth / 2
  const factor = outcome === 'pass' || outcome === 'broken' ? headroom(verdict) : null
  const reach = factor === null ? 0 : Math.max(-1, Math.min(1, Math.log10(factor))) * (middle - 2)
  const bar =
    factor === null
      ? ''
      : `<rect x="${round(Math.min(middle, middle + reach))}" y="4" width="${round(Math.max(1, Math.abs(reach)))}" height="6" class="f-${classes[outcome]}"/>`
  return `<svg class="bar" width="${barWidth}" height="14" viewBox="0 0 ${barWidth} 14" aria-hidden="true"><path d="M0 7H${barWidth}" class="s-rule"/>${bar}<path d="M${middle} 0V14" class="s-ink" stroke-width="1.5"/></svg>`
}

const round = (value: number) => Math.round(value * 10) / 10
