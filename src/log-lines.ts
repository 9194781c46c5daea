// Lines of the log that go out together: one by one each would cost as much as a hit.

/** What takes them: pino's own destination. */
type Output = { write(text: string): void; flushSync(): void }

/** So many characters at once, or what there is after so long, ms. */
const together = 16_000
const atLatestMs = 500

/** Hands lines on in pieces. What is there at the exit, or with a line that says that the process ends, goes at once. */
export function gathered(output: Output) {
  // A list: the library's own way of gathering would make one text of all so far for each line.
  let lines: string[] = []
  let length = 0
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (lines.length === 0) return
    const text = lines.join('')
    lines = []
    length = 0
    output.write(text)
  }
  function flushSync(): void {
    flush()
    output.flushSync()
  }
  process.once('beforeExit', flush)
  process.once('exit', () => {
    // The library ends its output with the loop, and what is there by itself. After that there is nobody to tell.
    if (lines.length > 0) flushSync()
  })
  return {
    write(line: string): void {
      lines.push(line)
      length += line.length
      if (length >= together) flush()
      else timer ??= setTimeout(flush, atLatestMs).unref()
    },
    flushSync
  }
}
