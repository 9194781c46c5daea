// What the engines really executed: their own general log, counted.
import { createConnection, type RowDataPacket } from 'mysql2/promise'

/**
 * Begins to count the statements that reach these servers and match `like` (SQL LIKE).
 * @returns how many there have been since
 */
export async function countStatements(urls: readonly string[], like: string): Promise<() => Promise<number>> {
  for (const url of urls) await query(url, "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON")
  const total = async () => {
    let sum = 0
    for (const url of urls) {
      const [row] = await query<RowDataPacket & { n: number }>(
        url,
        `SELECT COUNT(*) AS n FROM mysql.general_log
         WHERE command_type IN ('Query', 'Execute') AND argument LIKE ? AND argument NOT LIKE '%general_log%'`,
        [like]
      )
      sum += Number(row?.n)
    }
    return sum
  }
  const before = await total()
  return async () => (await total()) - before
}

/** One statement on a connection of its own. */
export async function query<R extends RowDataPacket>(
  url: string,
  sql: string,
  values: readonly unknown[] = []
): Promise<R[]> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 })
  try {
    const [rows] = await connection.query<R[]>(sql, [...values])
    return rows
  } finally {
    connection.destroy()
  }
}
