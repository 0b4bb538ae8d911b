import { type ChannelOptions, changeOptions, defaultOptions } from './options.ts'
import { type Prefill, readPrefill } from './prefill.ts'
import { readState, type State } from './state.ts'

/** What a new channel is to be. */
export interface ChannelDetails {
  readonly options: ChannelOptions
  readonly history: Prefill
  readonly state: State
}

/**
 * Reads the details of a new channel, as they stand in the reply to `create_channel`.
 *
 * @throws HookboxError `bad_request` naming the option that is unknown or wrong, `too_large`
 */
export function readChannelDetails(details: { readonly [option: string]: unknown }, now: number): ChannelDetails {
  return {
    options: changeOptions(defaultOptions, details),
    history: details.history === undefined ? [] : readPrefill(details.history, now),
    state: readState(details.state ?? {}, 'state'),
  }
}
