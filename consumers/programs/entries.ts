export * as client from '@hookbox/client'
export * as protocol from '@hookbox/protocol'
export { default as clientFrames } from '@hookbox/protocol/vectors/client-frames.json'
export * as server from '@hookbox/server'
