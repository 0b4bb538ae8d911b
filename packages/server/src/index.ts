export { type ErrorCode, HookboxError } from '@hookbox/protocol'
export { ConfigError, type HookboxOptions } from './config/options.ts'
export { type CreateOptions, createHookbox, type Hookbox, type Listening } from './hookbox.ts'
export type {
  AutoSubscriptions,
  Callback,
  CallbackCall,
  CallbackDetails,
  CallbackFields,
  CallbackFunctions,
  ChannelOptionDetails,
  PollingDetails,
  Refusal,
  UserOptionDetails,
} from './webhooks/functions.ts'
export { refuse } from './webhooks/in-process.ts'
