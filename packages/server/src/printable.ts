/** Whoever writes to a terminal could otherwise move its cursor, colour it or set its title. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '')
}
