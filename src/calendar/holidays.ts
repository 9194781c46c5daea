// The public holidays that calendars may keep. The dates and where they come from: db/holidays.es.json. Pure.
import holidays from '../../db/holidays.es.json' with { type: 'json' }

/** Regions of which holidays are known, ISO 3166-2. */
export const holidayRegions: readonly string[] = Object.keys(holidays.regions)

const closed = new Map(
  Object.entries(holidays.regions).map(([region, own]) => [region, new Set([...holidays.national, ...own])])
)

/** Whether a local date (YYYY-MM-DD) is one, in the region of which holidays are known; never elsewhere. */
export function isHoliday(date: string, region: string): boolean {
  return closed.get(region)?.has(date) ?? false
}
