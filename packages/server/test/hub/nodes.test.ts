import { nodesContract } from '../contracts/nodes.ts'
import { memoryNodes } from '../kit/nodes.ts'
import { mulberry32 } from '../kit/random.ts'
import { slowNodes } from '../kit/slow-nodes.ts'

const seed = Number(process.env.SEED ?? 1)

nodesContract('memory', memoryNodes)
nodesContract(`a memory that is far away (seed ${seed})`, () => slowNodes(mulberry32(seed)))
