import { runService } from '@wakunet/service-kit'
import { buildService } from './service.ts'

await runService({ build: () => buildService(process.argv.slice(2), process.env) })
