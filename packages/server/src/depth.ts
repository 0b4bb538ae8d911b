/**
 * Whether a parsed value is nested deeper than `limit` lists and objects.
 *
 * Asked before the value is written as text again: JSON.parse takes any depth, JSON.stringify overflows the stack.
 */
export function deeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return limit === 0 || Object.values(value).some((inner) => deeperThan(inner, limit - 1))
}
