import type { Json } from '@hookbox/protocol'

/**
 * What channels carry, by name: a page adds its own by declaration merging, and payload, state and initial data are typed
 * wherever the name is. A template literal as an index stands for every name of that form. Channels that are not in it
 * carry JSON. Who is present is always told by name.
 *
 * @example
 * declare module '@hookbox/client' {
 *   interface ChannelMap {
 *     chat: { payload: { text: string }; state: { topic: string } }
 *     [room: `room-${string}`]: { payload: number }
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: pages fill it
export interface ChannelMap {}

type Declared<Name, Field extends string, Otherwise> = Name extends keyof ChannelMap
  ? ChannelMap[Name] extends { readonly [_ in Field]: infer Type }
    ? Type
    : Otherwise
  : Otherwise

/** What is published to the channel of that name. */
export type PayloadOf<Name extends string> = Declared<Name, 'payload', Json>

/** The state of the channel of that name. Any key may be missing, as long as the hub has not agreed above all. */
export type StateOf<Name extends string> = Partly<Declared<Name, 'state', Record<string, Json>>>

type Partly<State> = string extends keyof State ? Readonly<State> : Readonly<Partial<State>>

/** What the application has for a subscriber of the channel of that name. */
export type InitialDataOf<Name extends string> = Declared<Name, 'initialData', Json>

/** What can be published where `Payload` is read: itself, or any JSON where it is what a page made of it, such as a Date. */
export type Sendable<Payload> = [Payload] extends [JsonLike<Payload>] ? Payload : Json

/** A type as JSON would keep it; unlike {@link Json} it takes interfaces. */
type JsonLike<Type> = Type extends Json | undefined
  ? Type
  : Type extends (...args: never[]) => unknown
    ? never
    : Type extends object
      ? { [Key in keyof Type]: JsonLike<Type[Key]> }
      : never
