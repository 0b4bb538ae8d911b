/** Hears, in place of whoever ends the process, of errors that nobody caught, until it is disposed of. */
export function hearUncaught(): Disposable & { readonly errors: readonly unknown[] } {
  const errors: unknown[] = []
  const hear = (error: unknown): void => {
    errors.push(error)
  }
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', hear)
  return {
    errors,
    [Symbol.dispose]() {
      process.off('uncaughtException', hear)
      for (const other of others) process.on('uncaughtException', other)
    },
  }
}
