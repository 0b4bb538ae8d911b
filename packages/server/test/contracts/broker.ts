import { describe } from 'vitest'
import { busContract } from './broker/bus.ts'
import { channelsContract } from './broker/channels.ts'
import type { Setup } from './broker/kit.ts'
import { leasesContract } from './broker/leases.ts'
import { logContract } from './broker/log.ts'
import { messagesContract } from './broker/messages.ts'
import { nodesContract } from './broker/nodes.ts'
import { presenceContract } from './broker/presence.ts'
import { usersContract } from './broker/users.ts'

/** What every broker promises, whatever keeps its data. */
export function brokerContract(name: string, setup: Setup): void {
  describe(`the ${name} broker`, () => {
    channelsContract(setup)
    logContract(setup)
    presenceContract(setup)
    usersContract(setup)
    messagesContract(setup)
    leasesContract(setup)
    busContract(setup)
    nodesContract(setup)
  })
}
