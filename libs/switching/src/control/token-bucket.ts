export { TokenBucket } from '@wakunet/gossip'
