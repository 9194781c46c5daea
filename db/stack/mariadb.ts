// MariaDB as an engine of the private stack: a new data directory, a primary, a replica that follows it by GTID.

import { constants, existsSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { findProgram, type Program, run } from './process.ts'

const DATABASE = 'turno'
const USER = 'turno'
const ASK_MS = 1000
/** How long a replica that starts may take to apply what the primary has. */
const FOLLOW_S = 60
const START_SLAVE_MS = 10_000

export type MariadbOptions = {
  name: string
  serverId: number
  directory: string
  logFile: string
  password: string
  role: 'primary' | 'replica'
  /** Data of which nobody will ask tomorrow: never waits for the disk. */
  throwaway: boolean
}

/** How to run a MariaDB on a data directory that `initialise` or `copyData` has made. */
export async function mariadbProgram(options: MariadbOptions): Promise<Program> {
  const { directory, password, role, throwaway } = options
  const durable = !throwaway && role === 'primary'
  await mkdir(temporaryFilesOf(directory), { recursive: true, mode: 0o700 })
  const settings = [
    `--server-id=${options.serverId}`,
    `--datadir=${directory}`,
    `--tmpdir=${temporaryFilesOf(directory)}`,
    `--pid-file=${join(directory, 'mariadbd.pid')}`,
    '--bind-address=127.0.0.1',
    '--socket=', // none: its path would have to stay under 108 characters, and nobody needs it
    '--skip-name-resolve',
    '--max-connections=500',
    '--default-time-zone=+00:00',
    '--transaction-isolation=READ-COMMITTED',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_unicode_520_ci',
    '--performance-schema=OFF',
    '--local-infile=OFF',
    '--max-allowed-packet=64M',
    `--innodb-buffer-pool-size=${throwaway ? '64M' : '256M'}`,
    `--innodb-log-file-size=${throwaway ? '16M' : '64M'}`,
    '--innodb-buffer-pool-dump-at-shutdown=OFF',
    `--innodb-flush-log-at-trx-commit=${durable ? 1 : 2}`,
    ...(role === 'primary'
      ? [
          '--log-bin=binlog',
          '--binlog-format=ROW',
          '--gtid-strict-mode=ON',
          `--sync-binlog=${durable ? 1 : 0}`
        ]
      : ['--read-only=ON', '--relay-log=relay', '--skip-slave-start', '--slave-net-timeout=4'])
  ]
  return {
    name: options.name,
    directory,
    logFile: options.logFile,
    whenOrphaned: throwaway ? 'SIGKILL' : 'SIGTERM',
    command: (port) => [...server(), ...settings, `--port=${port}`],
    answers: async (port) => {
      const [row] = await ask(port, password, 'SELECT @@datadir AS directory')
      if (row?.directory !== `${directory}/`) throw new Error('another MariaDB answers on this port')
    }
  }
}

export function mariadbUrl(port: number, password: string): string {
  return `mysql://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`
}

/** Makes a new data directory with an empty database and its one user. Whole or not at all. */
export async function initialise(options: {
  directory: string
  logFile: string
  password: string
  abort?: AbortSignal | undefined
}): Promise<void> {
  const aside = `${options.directory}.new`
  await rm(aside, { recursive: true, force: true })
  for (const path of [aside, temporaryFilesOf(aside)]) await mkdir(path, { recursive: true, mode: 0o700 })
  const tables = await Promise.all(['system_tables', 'system_tables_data'].map(readSystemSql))
  // Each statement ends its line: the bootstrap reader knows no other separator.
  const input = [
    'CREATE DATABASE IF NOT EXISTS mysql;',
    'USE mysql;',
    'SET @auth_root_socket = NULL;',
    ...tables,
    'DELETE FROM mysql.global_priv;', // root without a password, reachable by every user of the machine
    'FLUSH PRIVILEGES;',
    `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;`,
    `CREATE USER ${USER}@'127.0.0.1' IDENTIFIED BY '${options.password}';`,
    `GRANT ALL ON *.* TO ${USER}@'127.0.0.1' WITH GRANT OPTION;`,
    `REVOKE READ_ONLY ADMIN ON *.* FROM ${USER}@'127.0.0.1';`, // or a replica would take its writes
    ''
  ].join('\n')
  const command = [
    ...server(),
    '--bootstrap',
    `--datadir=${aside}`,
    `--tmpdir=${temporaryFilesOf(aside)}`,
    '--log-warnings=0',
    '--enforce-storage-engine=',
    '--max-allowed-packet=8M',
    '--innodb-log-file-size=16M',
    '--innodb-undo-tablespaces=0',
    '--innodb-flush-log-at-trx-commit=0'
  ]
  await run(command, { input, directory: aside, logFile: options.logFile, abort: options.abort })
  await rename(aside, options.directory)
  await rm(temporaryFilesOf(aside), { recursive: true })
}

/** Copies the data of a stopped server. Whole or not at all; without its binary log, so that GTIDs begin anew. */
export async function copyData(from: string, to: string): Promise<void> {
  const aside = `${to}.new`
  await rm(aside, { recursive: true, force: true })
  await cp(from, aside, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) =>
      !/\/(binlog\.|relay\.|relay-log\.|master\.info|multi-master\.info|mariadbd\.pid)/.test(path)
  })
  await chmod(aside, 0o700)
  await rename(aside, to)
}

/**
 * Makes the replica on `port` follow the primary on `primaryPort` by GTID and waits until it has all that the
 * primary had committed when this was called.
 */
export async function follow(port: number, primaryPort: number, password: string): Promise<void> {
  const [primary] = await ask(primaryPort, password, 'SELECT @@gtid_binlog_pos AS position')
  const position = String(primary?.position ?? '')
  const replica = await connect(port, password)
  try {
    await replica.query({ sql: 'STOP SLAVE', timeout: START_SLAVE_MS })
    const from = `MASTER_HOST='127.0.0.1', MASTER_PORT=${primaryPort}, MASTER_USER='${USER}', MASTER_PASSWORD='${password}'`
    const how = 'MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1'
    await replica.query({ sql: `CHANGE MASTER TO ${from}, ${how}`, timeout: START_SLAVE_MS })
    await replica.query({ sql: 'START SLAVE', timeout: START_SLAVE_MS })
    const wait = `SELECT MASTER_GTID_WAIT('${position}', ${FOLLOW_S}) AS late`
    const [[row]] = await replica.query<RowDataPacket[]>({ sql: wait, timeout: (FOLLOW_S + 5) * 1000 })
    if (row?.late === 0) return
    const [[status]] = await replica.query<RowDataPacket[]>({ sql: 'SHOW SLAVE STATUS', timeout: ASK_MS })
    throw new Error(status?.Last_SQL_Error || status?.Last_IO_Error || `it is behind after ${FOLLOW_S} s`)
  } finally {
    replica.destroy()
  }
}

/** Each server its own: when one starts, it deletes what it takes for leftovers there, those of its neighbours too. */
const temporaryFilesOf = (directory: string) => `${directory}.tmp`

function server(): string[] {
  const path = findProgram('mariadbd')
  if (path === null)
    throw new Error('mariadbd is not installed (Debian: apt-get install mariadb-server-core)')
  // mariadbd refuses root unless told. As root it stays root: the checkout may lie under paths no other user can enter.
  return [path, '--no-defaults', ...(process.getuid?.() === 0 ? ['--user=root'] : [])]
}

/** The SQL that makes the system tables. MariaDB 11 renamed the files. */
async function readSystemSql(name: string): Promise<string> {
  const share = join(dirname(findProgram('mariadbd') ?? ''), '..', 'share')
  const candidates = ['mysql', 'mariadb'].flatMap((folder) =>
    ['mysql', 'mariadb'].map((prefix) => join(share, folder, `${prefix}_${name}.sql`))
  )
  const file = candidates.find((candidate) => existsSync(candidate))
  if (file === undefined)
    throw new Error(`MariaDB's own ${name} script is missing, looked for ${candidates.join(', ')}`)
  return readFile(file, 'utf8')
}

async function connect(port: number, password: string): Promise<Connection> {
  return createConnection({ host: '127.0.0.1', port, user: USER, password, connectTimeout: ASK_MS })
}

async function ask(port: number, password: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await connect(port, password)
  try {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: ASK_MS })
    return rows
  } finally {
    connection.destroy()
  }
}
