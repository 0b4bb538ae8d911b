import type { LogFields } from '../../src/log.ts'

export interface RecordedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: LogFields
  readonly message: string
}

/** A log that remembers what was complained about. */
export class RecordingLog {
  readonly lines: RecordedLine[] = []
  readonly debug: (fields: LogFields | string, message?: string) => void
  readonly info: (fields: LogFields | string, message?: string) => void
  readonly warn: (fields: LogFields | string, message?: string) => void
  readonly error: (fields: LogFields | string, message?: string) => void

  constructor() {
    this.debug = this.#record('debug')
    this.info = this.#record('info')
    this.warn = this.#record('warn')
    this.error = this.#record('error')
  }

  /** Without what is only told to whoever looks closely. */
  get complaints(): RecordedLine[] {
    return this.lines.filter(({ level }) => level !== 'debug')
  }

  /** Everything as one text, to look for what must not be in it. */
  get text(): string {
    return JSON.stringify(this.lines)
  }

  #record(level: RecordedLine['level']) {
    return (fields: LogFields | string, message?: string): void => {
      const line = typeof fields === 'string' ? { fields: {}, message: fields } : { fields, message: message ?? '' }
      this.lines.push({ level, ...line })
    }
  }
}
