import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checkIcon, MAX_ICON_BYTES } from '../src/index.ts'
import {
  extended,
  lossless,
  lossy,
  PNG_SIGNATURE,
  png,
  pngChunk,
  pngHeader,
  svgOf,
  webpChunk,
  webpOf,
} from './images.ts'

const GRADIENT =
  '<defs><linearGradient id="g"><stop offset="0" stop-color="#f00"/><stop offset="100%" stop-color="rgb(0, 0, 9)"/></linearGradient></defs>' +
  '<title>tea &amp; cake</title><g transform="rotate(45 12 12)"><path d="M0 0L9,9z" fill="url(#g)"/></g>'

/** Good ones, each with what is found. */
const GOOD: readonly (readonly [string, Uint8Array, object])[] = [
  ['a PNG', png(16, 32), { type: 'png', width: 16, height: 32 }],
  [
    'a PNG with its resolution',
    png(16, 16, pngChunk('pHYs', Buffer.alloc(9))),
    { type: 'png', width: 16, height: 16 },
  ],
  ['a lossless WebP', webpOf(lossless(48, 40)), { type: 'webp', width: 48, height: 40 }],
  ['a lossy WebP', webpOf(lossy(48, 40)), { type: 'webp', width: 48, height: 40 }],
  [
    'an extended WebP',
    webpOf(extended(48, 40), webpChunk('ALPH', Buffer.alloc(3)), lossy(48, 40)),
    { type: 'webp', width: 48, height: 40 },
  ],
  ['an SVG', svgOf(GRADIENT), { type: 'svg', width: 24, height: 24 }],
  [
    'an SVG with an XML declaration',
    Buffer.concat([
      Buffer.from('<?xml version="1.0" encoding="UTF-8"?>\n'),
      svgOf('<rect width="4" height="4"/>', 'width="32px" height="31.5"'),
      Buffer.from('\n'),
    ]),
    { type: 'svg', width: 32, height: 32 },
  ],
]

/** Bad ones, each with why. The checks that most programs make let all of them pass: see `naiveCheck`. */
const BAD: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['PNG with text', png(16, 16, pngChunk('tEXt', Buffer.from('a\0b'))), /without 'tEXt'/],
  ['PNG with EXIF', png(16, 16, pngChunk('eXIf', Buffer.alloc(4))), /without 'eXIf'/],
  ['PNG with compressed text', png(16, 16, pngChunk('zTXt', Buffer.alloc(9))), /without 'zTXt'/],
  ['animated PNG', png(16, 16, pngChunk('acTL', Buffer.alloc(8))), /without 'acTL'/],
  [
    'PNG and a script behind it',
    Buffer.concat([png(), Buffer.from('<script>alert(1)</script>')]),
    /behind the end/,
  ],
  [
    'PNG with a huge claim',
    Buffer.concat([PNG_SIGNATURE, pngHeader(60_000, 60_000), pngChunk('IDAT'), pngChunk('IEND')]),
    /pixels wide/,
  ],
  ['PNG without pixels', Buffer.concat([PNG_SIGNATURE, pngHeader(9, 9), pngChunk('IEND')]), /cut off/],
  ['PNG with two headers', png(16, 16, pngHeader(2, 2)), /first part|twice/],
  [
    'PNG of no kind',
    Buffer.concat([PNG_SIGNATURE, pngHeader(9, 9, 5), pngChunk('IDAT'), pngChunk('IEND')]),
    /does not exist/,
  ],
  [
    'PNG without palette',
    Buffer.concat([PNG_SIGNATURE, pngHeader(9, 9, 3), pngChunk('IDAT'), pngChunk('IEND')]),
    /palette/,
  ],
  ['WebP animation', webpOf(extended(9, 9, 0x02), webpChunk('ANIM', Buffer.alloc(6))), /WebP/],
  [
    'WebP with EXIF',
    webpOf(extended(9, 9), lossy(9, 9), webpChunk('EXIF', Buffer.alloc(4))),
    /without 'EXIF'/,
  ],
  ['WebP with two sizes', webpOf(extended(9, 9), lossy(8, 9)), /damaged/],
  [
    'WebP and a script behind it',
    Buffer.concat([webpOf(lossy(9, 9)), Buffer.from('<script/>')]),
    /behind its end/,
  ],
  ['WebP with a huge claim', webpOf(lossless(16_000, 16_000)), /pixels wide/],
  ['SVG with a script', svgOf('<script>alert(1)</script>'), /without 'script' elements/],
  ['SVG with a handler', svgOf('<rect width="4" height="4" onload="alert(1)"/>'), /attribute 'onload'/],
  ['SVG with a link', svgOf('<a href="javascript:alert(1)"><path d="M0 0"/></a>'), /without 'a' elements/],
  ['SVG that loads', svgOf('<image href="https://tracker.example/x.png"/>'), /without 'image' elements/],
  ['SVG that uses', svgOf('<use href="https://tracker.example/x.svg#a"/>'), /without 'use' elements/],
  ['SVG with foreign content', svgOf('<foreignObject/>'), /without 'foreignObject'/],
  ['SVG with an animation', svgOf('<animate attributeName="href"/>'), /without 'animate'/],
  ['SVG with a style element', svgOf('<style>@import url(//x)</style>'), /without 'style'/],
  ['SVG with a style attribute', svgOf('<path d="M0 0" style="fill:url(//x)"/>'), /attribute 'style'/],
  [
    'SVG that paints from elsewhere',
    svgOf('<path d="M0 0" fill="url(https://tracker.example/a#b)"/>'),
    /plain 'fill'/,
  ],
  [
    'SVG with a document type',
    Buffer.concat([Buffer.from('<!DOCTYPE svg [<!ENTITY a "b">]>'), svgOf('')]),
    /document type/,
  ],
  ['SVG with entities', svgOf('<title>&lol;</title>'), /entities/],
  ['SVG with an entity in an attribute', svgOf('<path d="M0 0" fill="&#106;"/>'), /plain/],
  ['SVG with a comment', svgOf('<!-- <script> -->'), /comments/],
  ['SVG with CDATA', svgOf('<title><![CDATA[<script>]]></title>'), /CDATA/],
  ['SVG with an instruction', svgOf('<?xml-stylesheet href="//x"?>'), /instructions/],
  ['SVG in two namespaces', svgOf('<g xmlns="http://www.w3.org/1999/xhtml"/>'), /namespace/],
  ['SVG with a prefix', svgOf('<g xlink:href="//x"/>'), /plain/],
  ['SVG and a script behind it', Buffer.concat([svgOf(''), Buffer.from('<script/>')]), /behind the end/],
  ['SVG with text', svgOf('hello'), /without text/],
  ['SVG whose tags cross', svgOf('<g><defs></g></defs>'), /do not match/],
  ['SVG that does not end', svgOf('').subarray(0, -6), /cut off/],
  ['SVG of many elements', svgOf('<g/>'.repeat(600)), /512 elements/],
  ['SVG of many levels', svgOf('<g>'.repeat(20) + '</g>'.repeat(20)), /16 levels/],
  ['SVG of no size', svgOf('', 'width="100%"'), /viewBox/],
  ['SVG in UTF-16', Buffer.concat([Buffer.from('<'), Buffer.from([0xff, 0xfe])]), /UTF-8/],
  ['too large', Buffer.concat([png(), Buffer.alloc(MAX_ICON_BYTES)]), /at most 16384 bytes/],
]

/** The negative control: what a program that looks at the first bytes alone would take. */
const naiveCheck = (bytes: Uint8Array): boolean =>
  /^(.PNG|RIFF....WEBP|<)/s.test(Buffer.from(bytes).toString('latin1'))

describe('an icon', () => {
  for (const [name, bytes, expected] of GOOD)
    test(`${name} is taken`, () => assert.deepEqual(checkIcon(bytes), expected))

  for (const [name, bytes, why] of BAD)
    test(`refused: ${name}`, () => {
      assert.ok(naiveCheck(bytes), 'the first bytes alone would not give it away')
      const found = checkIcon(bytes)
      assert.ok('fault' in found, `${name} passed`)
      assert.match(found.fault, why)
    })

  test('is refused when cut off anywhere, and with any bit of a PNG turned', () => {
    for (const [name, bytes] of GOOD)
      for (let end = 0; end < Buffer.from(bytes).toString('latin1').trimEnd().length; end++)
        assert.ok('fault' in checkIcon(bytes.subarray(0, end)), `${name} cut at ${end}`)
    const image = png(4, 4)
    for (let bit = 0; bit < image.length * 8; bit++) {
      const bent = Uint8Array.from(image)
      bent[bit >> 3]! ^= 1 << (bit & 7)
      assert.ok('fault' in checkIcon(bent), `bit ${bit}`)
    }
  })

  test('of any bytes at all gets an answer', () => {
    const start = fc.constantFrom('', '<svg ', '\x89PNG\r\n\x1a\n', 'RIFF\x20\0\0\0WEBPVP8X')
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 64 }), (text, rest) => {
        const found = checkIcon(Buffer.concat([Buffer.from(text, 'latin1'), rest]))
        assert.ok('fault' in found || found.width > 0)
      }),
    )
  })
})
