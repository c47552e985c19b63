/**
 * Bundles every program into `dist/`: one file each with what they share in chunks beside them, and the native addon.
 * A bundle starts in a third of the time and lives in 60 MiB less than the sources do, whose types are stripped at every
 * start. `npm start`, `npm run wakunet`, the bench and the integration tests run it; so will the images.
 */
import { copyFile, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
/** Made beside it and moved into place whole, so that nobody starts half a bundle. */
const fresh = `${dist}.${process.pid}`
const old = `${fresh}.old`

/** Programs, by the name that they have in `dist/`. */
const PROGRAMS = ['trunk-peer', 'vlan-switch', 'wakunet'] as const

/** A package that reads its own manifest at run time, by a path that ends elsewhere in a bundle: it is read here. */
const manifestOfSsdp: Plugin = {
  name: 'manifest-of-ssdp',
  setup(build) {
    build.onLoad({ filter: /@achingbrain\/ssdp\/dist\/src\/ssdp\.js$/ }, async ({ path }) => {
      const read = "req('../../package.json')"
      const source = await readFile(path, 'utf8')
      if (!source.includes(read))
        throw new Error(`${path} does not read its manifest any more: leave this plugin out`)
      const manifest = await readFile(join(path, '../../../package.json'), 'utf8')
      return { contents: source.replace(read, manifest), loader: 'js' }
    })
  },
}

await build({
  plugins: [manifestOfSsdp],
  absWorkingDir: root,
  entryPoints: Object.fromEntries(PROGRAMS.map((name) => [name, `services/${name}/src/main.ts`])),
  outdir: fresh,
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  target: 'node24',
  format: 'esm',
  bundle: true,
  splitting: true,
  chunkNames: '[name]-[hash]',
  // Names stay as they are, for stacks that people can read.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
  // CommonJS packages inside an ES module ask for `require`.
  banner: {
    js: "import{createRequire as wakunetRequire}from'node:module';const require=wakunetRequire(import.meta.url);",
  },
})
await copyFile(join(root, 'libs/netio/build/Release/netio.node'), join(fresh, 'netio.node'))
await rename(dist, old).catch(() => {})
await rename(fresh, dist)
await rm(old, { recursive: true, force: true })
