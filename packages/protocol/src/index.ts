export {
  closeAsleep,
  closeCodes,
  closeInternal,
  closeNormal,
  closeRefused,
  closeSilent,
  comesBack,
} from './close-codes.ts'
export { type Decoded, decodeMessage, decodeServerMessage, type Received } from './decode.ts'
export { encodeFrame, joinFrames, members, spliceFrame } from './encode.ts'
export type { Entry, PresenceEntry, PublishEntry } from './entry.ts'
export { type ErrorCode, errors, HookboxError, isErrorCode } from './errors.ts'
export type {
  ClientArgs,
  ClientFrame,
  ClientFrameName,
  HistoryPage,
  Published,
  ServerArgs,
  ServerFrame,
  ServerFrameName,
  UnsubscribedReason,
} from './frames.ts'
export { isObject, type Json, type JsonText, jsonNull, jsonText, maxJsonDepth, quote, toJsonText } from './json.ts'
export { exceeds, frameLimit, limits, messageLimit, utf8Length } from './limits.ts'
export { channelName, messageId, userName } from './names.ts'
export { formatPosition, type Position, parsePosition } from './position.ts'
export { subprotocol } from './version.ts'
