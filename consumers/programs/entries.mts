export * as client from '@hookbox/client'
export * as fallback from '@hookbox/client/fallback'
export * as inspect from '@hookbox/client/inspect'
export * as protocol from '@hookbox/protocol'
export { default as clientFrames } from '@hookbox/protocol/vectors/client-frames.json' with { type: 'json' }
export * as server from '@hookbox/server'
export * as probe from '@hookbox/server/probe'
