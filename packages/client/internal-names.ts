import { dirname, join, sep } from 'node:path'
import ts from 'typescript'

// the declarations of browsers, most of what a compiler reads, are read once
const others = new Map<string, ts.SourceFile | undefined>()

/**
 * The names of properties that nobody but the package itself reads or writes, so that its build can make them short. For
 * the build alone: the bundler of an application cannot know whose they are.
 *
 * A name is left as it is as soon as one property of that name may be somebody else's: one that is reachable from what an
 * entry exports, that the language, the browser or another package has, that is quoted, or that belongs to an object whose
 * type is not written down, as those go over the wire.
 *
 * `sources` stand in place of files.
 *
 * @throws Error where an entry is not a module.
 */
export function internalNames(
  folder: string,
  entries: readonly string[],
  sources: ReadonlyMap<string, string> = new Map(),
): string[] {
  const project = join(folder, 'tsconfig.json')
  const { fileNames, options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(project, ts.sys.readFile).config,
    ts.sys,
    dirname(project),
  )
  const host = ts.createCompilerHost(options)
  const program = ts.createProgram(fileNames, options, {
    ...host,
    getSourceFile(name, languageVersion) {
      const text = sources.get(name)
      if (text !== undefined) return ts.createSourceFile(name, text, languageVersion)
      if (name.startsWith(folder + sep)) return host.getSourceFile(name, languageVersion)
      const known = others.get(name) ?? host.getSourceFile(name, languageVersion)
      others.set(name, known)
      return known
    },
  })
  const checker = program.getTypeChecker()
  const declared = new Set<string>()
  // it says what an object inherits from, wherever it stands
  const kept = new Set<string>(['__proto__'])
  const published = new Set<ts.Node>()

  function isOwn(node: ts.Node): boolean {
    return node.getSourceFile().fileName.startsWith(folder + sep) && !/node_modules/.test(node.getSourceFile().fileName)
  }

  /** Keeps every name by which something exported can be used. */
  function publish(found: ts.Symbol | undefined): void {
    const symbol = found && found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
    for (const declaration of symbol?.declarations ?? []) {
      if (!isOwn(declaration) || published.has(declaration)) continue
      published.add(declaration)
      publishIn(declaration)
    }
  }

  function publishIn(node: ts.Node): void {
    if (ts.isBlock(node)) return
    const name = memberName(node)
    if (name) kept.add(name.text)
    if (ts.isStringLiteralLike(node)) kept.add(node.text)
    if (ts.isIdentifier(node)) publish(checker.getSymbolAtLocation(node))
    ts.forEachChild(node, publishIn)
  }

  /** Notes whose every property is that a source names. */
  function look(node: ts.Node): void {
    const name = memberName(node)
    if (ts.isTypeElement(node) || ts.isClassElement(node)) {
      if (name) declared.add(name.text)
    } else if (ts.isObjectLiteralElement(node)) {
      if (name)
        note(name.text, propertiesOf(checker.getContextualType(node.parent as ts.ObjectLiteralExpression), name.text))
    } else if (ts.isPropertyAccessExpression(node)) {
      const symbol = checker.getSymbolAtLocation(node.name)
      note(node.name.text, symbol && [symbol])
    } else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent) && !node.dotDotDotToken) {
      const read = node.propertyName ?? node.name
      if (ts.isIdentifier(read)) note(read.text, propertiesOf(checker.getTypeAtLocation(node.parent), read.text))
    }
    for (const text of quotedNames(node)) kept.add(text)
    ts.forEachChild(node, look)
  }

  function note(name: string, properties: readonly ts.Symbol[] | undefined): void {
    const declarations = properties?.flatMap((property) => property.declarations ?? []) ?? []
    const written = (node: ts.Node) => isOwn(node) && (ts.isTypeElement(node) || ts.isClassElement(node))
    if (declarations.length === 0 || !declarations.every(written)) kept.add(name)
  }

  /** Undefined where one of the types has none. */
  function propertiesOf(type: ts.Type | undefined, name: string): ts.Symbol[] | undefined {
    const types = type?.isUnion()
      ? type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined))
      : type
        ? [type]
        : []
    const properties = types.flatMap((one) => checker.getPropertyOfType(one, name) ?? [])
    return properties.length === types.length ? properties : undefined
  }

  /** Names that a build cannot replace, as they stand in texts. */
  function quotedNames(node: ts.Node): string[] {
    const quoted = ts.isElementAccessExpression(node)
      ? node.argumentExpression
      : ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword
        ? node.left
        : ts.isObjectLiteralElement(node) && node.name && ts.isStringLiteral(node.name)
          ? node.name
          : undefined
    if (!quoted) return []
    const type = checker.getTypeAtLocation(quoted)
    const types = type.isUnion() ? type.types : [type]
    return [
      ...(ts.isStringLiteralLike(quoted) ? [quoted.text] : []),
      ...types.flatMap((one) => (one.isStringLiteral() ? [one.value] : [])),
    ]
  }

  for (const entry of entries) {
    const file = program.getSourceFile(join(folder, entry))
    const module = file && checker.getSymbolAtLocation(file)
    if (!module) throw new Error(`expected a module at ${entry}`)
    for (const symbol of checker.getExportsOfModule(module)) publish(symbol)
  }
  for (const file of program.getSourceFiles()) {
    if (isOwn(file)) look(file)
    else for (const name of namesIn(file)) kept.add(name)
  }
  return [...declared].filter((name) => !kept.has(name)).sort()
}

/** Every name of a property that a file has anywhere. */
function namesIn(file: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    const name = memberName(node) ?? (ts.isPropertyAccessExpression(node) ? node.name : undefined)
    if (name) names.add(name.text)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return names
}

function memberName(node: ts.Node): ts.Identifier | undefined {
  const named = ts.isTypeElement(node) || ts.isClassElement(node) || ts.isObjectLiteralElement(node)
  return named && node.name && ts.isIdentifier(node.name) ? node.name : undefined
}
