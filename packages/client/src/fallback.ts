export { fallback } from './transport/choose.ts'
export type { Fallback } from './transport/transport.ts'
