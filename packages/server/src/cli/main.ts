#!/usr/bin/env node
import { hookboxFrom } from '../hookbox.ts'
import { run } from './run.ts'

void run(process, (config, log) => hookboxFrom(config, log))
