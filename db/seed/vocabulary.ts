// The words that therapists are searched by. Slugs are what the database and the API speak.

/** What people come for: [slug, how often a therapist names it]. */
export const specialties = [
  ['anxiety', 18],
  ['depression', 14],
  ['couples', 11],
  ['self-esteem', 10],
  ['grief', 8],
  ['trauma', 8],
  ['stress', 8],
  ['adolescents', 7],
  ['child-psychology', 6],
  ['eating-disorders', 5],
  ['parenting', 5],
  ['sexuality', 4],
  ['addictions', 4],
  ['insomnia', 4],
  ['obsessive-compulsive', 4],
  ['phobias', 4],
  ['adhd', 4],
  ['burnout', 3]
] as const

export const approaches = [
  ['cbt', 26],
  ['integrative', 16],
  ['humanistic', 12],
  ['systemic', 11],
  ['psychodynamic', 11],
  ['emdr', 10],
  ['gestalt', 8],
  ['act', 8]
] as const

/** Languages besides Spanish, by ISO 639-1. */
export const foreignLanguages = [
  ['en', 34],
  ['fr', 8],
  ['it', 4],
  ['de', 3],
  ['pt', 4],
  ['ro', 2],
  ['ar', 1]
] as const

export type Specialty = (typeof specialties)[number][0]
export type Approach = (typeof approaches)[number][0]
