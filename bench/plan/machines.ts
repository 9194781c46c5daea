// What can be rented: sizes that a plan reckons with. Prices are prices.json's.

export type InstanceType = {
  /** A process for each. */
  vcpus: number
  /** Of each vCPU, what may be used for hours: burstable ones slow down above it. */
  sustained: number
  /** How many times the measured microseconds it takes. */
  slower: number
  memoryGib: number
  /** Sustained, out of the instance. */
  gigabitsPerSecond: number
}

// From memory (AWS's instance pages), but for `slower`: an allowance, nothing has been measured there.
export const instanceTypes: Readonly<Record<string, InstanceType>> = {
  't3.medium': { vcpus: 2, sustained: 0.2, slower: 1.5, memoryGib: 4, gigabitsPerSecond: 0.256 },
  't4g.medium': { vcpus: 2, sustained: 0.2, slower: 1.2, memoryGib: 4, gigabitsPerSecond: 0.256 },
  'c7g.large': { vcpus: 2, sustained: 1, slower: 1, memoryGib: 4, gigabitsPerSecond: 0.937 },
  'm7g.large': { vcpus: 2, sustained: 1, slower: 1, memoryGib: 8, gigabitsPerSecond: 0.937 },
  'c7g.xlarge': { vcpus: 4, sustained: 1, slower: 1, memoryGib: 8, gigabitsPerSecond: 1.876 },
  'm7g.xlarge': { vcpus: 4, sustained: 1, slower: 1, memoryGib: 16, gigabitsPerSecond: 1.876 }
}

export const databaseTypes: Readonly<Record<string, { vcpus: number }>> = {
  'db.r5.large': { vcpus: 2 },
  'db.r5.xlarge': { vcpus: 4 },
  'db.r8g.large': { vcpus: 2 },
  'db.r8g.xlarge': { vcpus: 4 },
  'db.r8g.2xlarge': { vcpus: 8 }
}

/** Of a node's memory a quarter is reserved (terraform/modules/cache). */
export const cacheTypes: Readonly<Record<string, { memoryGib: number }>> = {
  'cache.r6g.large': { memoryGib: 13.07 },
  'cache.r6g.xlarge': { memoryGib: 26.32 }
}
