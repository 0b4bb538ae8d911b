import { awayTime } from '../../src/transport/event-stream.ts'
import { transportContract } from '../contracts/transport.ts'
import { openPollPage, openStreamPage, openWebSocketPage } from '../kit/transport-page.ts'

transportContract('websocket', openWebSocketPage, 0)
transportContract('event-stream', openStreamPage, awayTime)
transportContract('long-polling', openPollPage, awayTime)
