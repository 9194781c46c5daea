// `npx drizzle-kit generate` drafts the next migration from the difference between db/schema.ts and the last snapshot.
// Read db/migrations/README.md before committing what it drafts.
import { defineConfig } from 'drizzle-kit'

export default defineConfig({ dialect: 'mysql', schema: './db/schema.ts', out: './db/migrations' })
