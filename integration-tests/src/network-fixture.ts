import { after, afterEach, before, type TestContext } from 'node:test'
import { TestNetwork, type TestNetworkInit } from './test-network.ts'

/** `@types/node` does not know `passed` yet. */
type EndedTest = TestContext & { readonly passed: boolean }

/**
 * One network for all tests of a suite: built before the first, removed after the last whatever happened.
 * Logs are printed under each test that fails.
 * @param setUp runs once on the new network; what it returns comes with it
 */
export function useNetwork<T>(
  init: TestNetworkInit,
  setUp: (network: TestNetwork) => Promise<T>,
): () => { network: TestNetwork } & T {
  let network: TestNetwork | null = null
  let ready: ({ network: TestNetwork } & T) | null = null

  before(async () => {
    network = await TestNetwork.create(init)
    ready = { network, ...(await setUpWithLogs(network, setUp)) }
  })
  afterEach((t) => {
    const test = t as EndedTest
    if (!test.passed && network !== null) test.diagnostic(`logs:\n${network.logs()}`)
  })
  after(() => network?.stop())

  return () => {
    if (ready === null) throw new Error('the network was not built')
    return ready
  }
}

async function setUpWithLogs<T>(
  network: TestNetwork,
  setUp: (network: TestNetwork) => Promise<T>,
): Promise<T> {
  try {
    return await setUp(network)
  } catch (cause) {
    throw new Error(`the network was not set up: ${(cause as Error).message}\n${network.logs()}`, { cause })
  }
}
