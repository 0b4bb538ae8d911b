export { type Certificate, lacksCertificates, makeCertificate } from './certificate.ts'
export { settle, TestClock } from './clock.ts'
export { onCi, programPath } from './environment.ts'
export { freePort } from './free-port.ts'
export { type HttpProxy, startHttpProxy } from './http-proxy.ts'
export { type HubProcess, type HubProcessOptions, startHubProcess } from './hub-process.ts'
export { Inbox } from './inbox.ts'
export { type Program, type ProgramOptions, startProgram } from './program.ts'
export { lacksRedis, type Redis, type RedisOptions, type RedisServer, startRedis, useRedis } from './redis.ts'
export { callRedis, type RedisReply } from './redis-call.ts'
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from './redis-cluster.ts'
export { type Sentinels, type SentinelsOptions, startSentinels } from './sentinels.ts'
export { type Shape, startTcpProxy, type TcpProxy } from './tcp-proxy.ts'
export { until } from './until.ts'
export {
  type RawReply,
  startWebApplication,
  type WebApplication,
  type WebhookCall,
  type WebhookReplies,
  type WebhookReply,
} from './web-application.ts'
export {
  type AnswerFrame,
  type Answers,
  type Closed,
  type FrameOf,
  openWirePage,
  WirePage,
  type WirePageOptions,
} from './wire-page.ts'
export { type Deferred, deferred, patience, within } from './within.ts'
