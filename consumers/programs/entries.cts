export * as client from '@hookbox/client'
export * as fallback from '@hookbox/client/fallback'
export * as inspect from '@hookbox/client/inspect'
export * as protocol from '@hookbox/protocol'
export * as server from '@hookbox/server'
export * as probe from '@hookbox/server/probe'
export import clientFrames = require('@hookbox/protocol/vectors/client-frames.json')
