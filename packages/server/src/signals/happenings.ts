/** What happens on this node, as whoever watches is told. Never a payload, a cookie or any other secret. */
export type Happening =
  | {
      readonly what: 'connected'
      readonly connection: string
      readonly user: string
      readonly transport: string
      /** The browser's. */
      readonly address: string
    }
  | {
      readonly what: 'closed'
      readonly connection: string
      /** Empty where nobody was admitted. */
      readonly user: string
      readonly code: number
      readonly reason: string
    }
  | {
      readonly what: 'entered' | 'left'
      readonly connection: string
      readonly user: string
      readonly channel: string
    }
  | {
      readonly what: 'published'
      readonly channel: string
      /** Null where the application named none. */
      readonly originator: string | null
      /** `published`, `duplicate`, `only_to_sender`, or the code of the error. */
      readonly outcome: string
      /** Characters of the payload, as JSON text. */
      readonly length: number
    }
  | { readonly what: 'messaged'; readonly sender: string; readonly recipient: string; readonly length: number }
  | { readonly what: 'opened' | 'ended'; readonly channel: string }
