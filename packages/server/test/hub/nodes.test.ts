import { nodesContract } from '../contracts/nodes.ts'
import { memoryNodes } from '../kit/nodes.ts'

nodesContract('memory', memoryNodes)
