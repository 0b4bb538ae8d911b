import { describe } from 'vitest'
import type { NodesSetup } from '../kit/nodes.ts'
import { askingOnce } from './nodes/asking.ts'
import { comingBack } from './nodes/coming-back.ts'
import { deathOfNodes } from './nodes/death.ts'
import { hearing } from './nodes/hearing.ts'
import { livesOfChannels } from './nodes/lives-of-channels.ts'
import { pollingOnce } from './nodes/polling.ts'
import { restOverNodes } from './nodes/rest.ts'
import { usersOfNodes } from './nodes/users.ts'

/** What holds however many nodes a hub has, whatever they share it by. */
export function nodesContract(name: string, setup: NodesSetup): void {
  describe(`several nodes over ${name}`, () => {
    hearing(setup)
    askingOnce(setup)
    livesOfChannels(setup)
    restOverNodes(setup)
    usersOfNodes(setup)
    comingBack(setup)
    deathOfNodes(setup)
    pollingOnce(setup)
  })
}
