// The whole report as one page of HTML that needs nothing but itself.
import type { Result } from '../result.ts'
import type { Chart, Picture } from './chart.ts'
import { answersByLayer, answersUnderFault } from './charts/answers.ts'
import { comparisons } from './charts/comparison.ts'
import { curves } from './charts/curve.ts'
import { memoryAndLoop } from './charts/memory.ts'
import { spectra } from './charts/spectrum.ts'
import { escaped, tableMarkup } from './markup.ts'
import { figure as number } from './quantities.ts'
import { counts } from './sections/counts.ts'
import { crossCheck, doubts, limits, machine, noise } from './sections/machine.ts'
import { gates, mark, overallOf } from './sections/verdicts.ts'
import { script, style } from './style.ts'

const wide = 960
const narrow = 340

type Section = { id: string; title: string; says: string; body: string }

/** The page, the same for the same result. */
export function pageOf(result: Result): string {
  const overall = overallOf(result)
  const sections = sectionsOf(result).filter(({ body }) => body !== '')
  const date = result.startedAt.slice(0, 10)
  const sample = result.options.sample === true
  const commit = result.commit.slice(0, 12)
  const shown = result.changed ? `${commit} with uncommitted changes` : commit
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(`${overall.headline} · Turno benchmark, ${date}`)}</title>
<meta name="description" content="${escaped(`${overall.headline}: ${overall.detail}`)}">
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header class="page">
<h1>Turno benchmark</h1>
<p class="meta">${escaped(`${date} · commit ${shown} · ${number(result.seconds / 60)} minutes on ${result.machine.processors} processors`)}</p>
${sample ? '<p class="sample">A sample: these figures are made up, to see what a report looks like.</p>' : ''}
<div class="overall ${overall.outcome.replace(' ', '-')}" data-overall="${overall.outcome}">${mark(overall.outcome, 44)}<strong>${escaped(overall.headline)}</strong><p>${escaped(overall.detail)}</p></div>
<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => `<li><a href="#${id}">${escaped(title)}</a></li>`).join('')}</ul></nav>
</header>
<main>
${sections.map(sectionMarkup).join('\n')}
</main>
<footer>Drawn by npm run bench:report from the run’s JSON, which holds every figure of this page. 1 KiB is 1,024 bytes; 1 ms is 1,000 µs.</footer>
<script>${script}</script>
</body>
</html>
`
}

function sectionsOf(result: Result): Section[] {
  return [
    {
      id: 'gates',
      title: 'Gates',
      says: 'What has to hold, and whether it did. A gate that could not be measured soundly is invalid: neither passed nor broken.',
      body: gates(result)
    },
    {
      id: 'latency',
      title: 'How long answers take',
      says: 'Requests come when they come, whether or not the last was answered, as they do from people.',
      body: figures(spectra(result))
    },
    {
      id: 'capacity',
      title: 'How much it bears',
      says: 'More and more requests a second, until answers become slow or fail.',
      body: figures(curves(result))
    },
    {
      id: 'comparison',
      title: 'Beside the others',
      says: 'The same data, requests, token check and bytes for all, measured in turns on the same machine.',
      body: figures(comparisons(result))
    },
    {
      id: 'layers',
      title: 'Who answers',
      says: 'The nearer the layer that has the answer, the cheaper it is.',
      body: figures(answersByLayer(result))
    },
    {
      id: 'faults',
      title: 'When a part fails',
      says: 'One part is made to fail while requests go on, then is given back.',
      body: figures(answersUnderFault(result), true)
    },
    {
      id: 'memory',
      title: 'Memory and event loop',
      says: 'What grows over time, and what makes everybody wait.',
      body: figures(memoryAndLoop(result))
    },
    {
      id: 'counts',
      title: 'Counts',
      says: 'What can be counted, and so does not depend on how busy the machine was. All blocks of a subject together.',
      body: result.blocks.length === 0 ? '' : counts(result)
    },
    {
      id: 'machine',
      title: 'Machine and noise',
      says: 'On what this was measured, and how quiet it was.',
      body: `${machine(result)}<h3>Noise</h3>${noise(result)}<h3>Own counters beside the servers’ own</h3>${crossCheck(result)}`
    },
    {
      id: 'doubts',
      title: 'Doubts',
      says: 'What was seen in this run that speaks against its own figures.',
      body: doubts(result)
    },
    {
      id: 'limits',
      title: 'What this does not show',
      says: 'Read this before you quote a figure.',
      body: limits(result)
    }
  ]
}

const sectionMarkup = ({ id, title, says, body }: Section) =>
  `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escaped(title)}</h2><p>${escaped(says)}</p>${body}</section>`

/** The first stands open, the others behind their title unless all of them matter. */
function figures(charts: readonly Chart[], all = false): string {
  return charts
    .map((chart, at) =>
      at === 0 || all
        ? figure(chart)
        : `<details class="more"><summary>${escaped(chart.title)}</summary>${figure(chart)}</details>`
    )
    .join('\n')
}

/** Drawn twice, for a screen and for a telephone, and told once more as a table. */
function figure(chart: Chart): string {
  const { name, heading, title, description, table } = chart
  return `<figure id="${name}"><figcaption><h3>${escaped(title)}</h3><p>${escaped(description)}</p></figcaption>
${inline(chart, 'wide', chart.draw(wide))}
${inline(chart, 'narrow', chart.draw(narrow))}
<details><summary>The same as a table</summary>${tableMarkup(table, `${heading}: ${title}`)}</details></figure>`
}

function inline(
  { name, heading, title, description, figures }: Chart,
  size: 'wide' | 'narrow',
  picture: Picture
): string {
  const { width, height, body } = picture
  const id = `${name}-${size}`
  return `<svg class="${size}" viewBox="0 0 ${width} ${Math.ceil(height)}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${escaped(`${heading}: ${title}`)}</title><desc id="${id}-d">${escaped(`${description} ${figures}`)}</desc>${body}</svg>`
}
