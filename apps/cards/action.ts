import { isCard, isSuit } from './cards.ts'
import type { Action } from './table.ts'

/** Only looks: whoever comes back asks for the own hand. */
export interface Look {
  readonly move: 'look'
}

/** What a page asks for, from the JSON text of its payload; undefined when it is no action. Nothing else is taken over. */
export function readAction(payload: string): Action | Look | undefined {
  const { move, card, suit } = fieldsOf(payload)
  switch (move) {
    case 'look':
    case 'sit':
    case 'leave':
    case 'deal':
    case 'draw':
    case 'pass':
      return { move }
    case 'play':
      return isCard(card) ? { move, card, ...(isSuit(suit) && { suit }) } : undefined
    default:
      return undefined
  }
}

function fieldsOf(payload: string): { move?: unknown; card?: unknown; suit?: unknown } {
  try {
    const value: unknown = JSON.parse(payload)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
