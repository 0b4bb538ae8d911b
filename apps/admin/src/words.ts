const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

/** `12,345` */
export function count(value: number): string {
  return whole.format(value)
}

/** `1,200`, `12.3`, `0.5`; a dash where nothing is known. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (value >= 10) return whole.format(Math.round(value))
  return short.format(Math.round(value * 100) / 100)
}

/** `0.8 ms`, `12 ms`, `1.25 s` */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return '–'
  if (milliseconds >= 1_000) return `${short.format(milliseconds / 1_000)} s`
  return `${milliseconds >= 10 ? Math.round(milliseconds) : short.format(Math.round(milliseconds * 10) / 10)} ms`
}

/** `12 kB`, `93.5 MB` */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const steps = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  return `${short.format(value / 1_000 ** step)} ${steps[step]}`
}

/** `3 d 4 h`, `12 min`, `40 s` */
export function age(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The time of day, in the operator's own zone: `16:34:05.120`. */
export function clockTime(at: number | string): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** What is enough to tell nodes and connections apart. */
export function shortId(id: string): string {
  return id.slice(0, 8)
}

/** The hub's words are no sentences. The name of a field that they begin with stays as it is. */
export function sentence(text: string): string {
  if (/^\w+: /.test(text)) return `${text}.`
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.`
}
