import { restartWithRuntimeFlags, runService } from '@wakunet/service-kit'
import { buildService } from './service.ts'

restartWithRuntimeFlags()
await runService({ build: () => buildService(process.argv.slice(2), process.env) })
