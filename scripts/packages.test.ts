import { expect, test } from 'vitest'
import { filesNamedBy } from './packages.ts'

test('the files that a manifest names are those its fields lead to, each once, and no name of an entry or pattern', () => {
  const manifest = {
    name: 'made-up',
    files: ['./elsewhere.js'],
    main: './dist/index.cjs',
    bin: { 'made-up': './dist/cli.js' },
    exports: {
      '.': { import: { types: './dist/index.d.ts', default: './dist/index.js' }, require: './dist/index.cjs' },
      './vectors/*.json': './vectors/*.json',
      './package.json': './package.json',
    },
  }
  expect(filesNamedBy(manifest)).toEqual([
    'dist/index.d.ts',
    'dist/index.js',
    'dist/index.cjs',
    'package.json',
    'dist/cli.js',
  ])
})
