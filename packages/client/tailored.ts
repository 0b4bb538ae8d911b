import ts from 'typescript'

/** How a class is used, so that what is not needed for it can go. */
export interface Use {
  /** Members that are used from outside. */
  readonly used: readonly string[]
  /** Members that need not be called: statements that only call one of them go. */
  readonly idle: readonly string[]
  /** Expressions and statements, with single spaces → what does the same here. */
  readonly known: Readonly<Record<string, string>>
}

/**
 * The source of a class as it is needed for one use of it. For the build alone: a bundler cannot know what every caller
 * gives, nor that nobody uses a member.
 *
 * @throws Error where something that is named is not there, as then the source is another one than the use was written for.
 */
export function tailored(source: string, { used, idle, known }: Use): string {
  const missing = new Set([...used, ...idle, ...Object.keys(known)])
  const simpler = replaced(source, (node) => {
    const text = node.getText().replace(/\s+/g, ' ')
    if (Object.hasOwn(known, text)) {
      missing.delete(text)
      return known[text]
    }
    const callee = ts.isExpressionStatement(node) && ts.isCallExpression(node.expression) && node.expression.expression
    const name = callee ? memberOf(callee) : undefined
    if (name === undefined || !idle.includes(name)) return undefined
    missing.delete(name)
    return ''
  })

  const needed = new Set<string>()
  const members = new Map<string, ts.ClassElement[]>()
  const need = (name: string): void => {
    if (needed.has(name)) return
    needed.add(name)
    for (const member of members.get(name) ?? []) needIn(member)
  }
  const needIn = (node: ts.Node): void => {
    const name = memberOf(node)
    if (name !== undefined) need(name)
    ts.forEachChild(node, needIn)
  }
  visit(simpler, (node) => {
    if (!ts.isClassElement(node)) return
    const name = node.name?.getText() ?? 'constructor'
    members.set(name, [...(members.get(name) ?? []), node])
  })
  for (const name of ['constructor', ...used]) need(name)
  for (const name of used) if (members.has(name)) missing.delete(name)
  if (missing.size > 0) throw new Error(`expected ${[...missing].join(', ')}`)
  return replaced(simpler, (node) =>
    ts.isClassElement(node) && node.name && !needed.has(node.name.getText()) ? '' : undefined,
  )
}

/** A source without the members of objects that have one of these names: options that nothing reads any more. */
export function without(source: string, names: readonly string[]): string {
  const unread = (node: ts.Node) => ts.isPropertyAssignment(node) && names.includes(node.name.getText())
  // minified, nothing is left of it
  return replaced(source, (node) => (unread(node) ? '...{}' : undefined))
}

/** The name where it is a member of `this`. */
function memberOf(node: ts.Node): string | undefined {
  const is = ts.isPropertyAccessExpression(node) && node.expression.kind === ts.SyntaxKind.ThisKeyword
  return is ? node.name.text : undefined
}

function visit(source: string, see: (node: ts.Node) => void): void {
  const look = (node: ts.Node): void => {
    see(node)
    ts.forEachChild(node, look)
  }
  look(ts.createSourceFile('class.ts', source, ts.ScriptTarget.ES2022, true))
}

/** The source with other texts for some nodes; undefined keeps one, and looks into it. */
function replaced(source: string, other: (node: ts.Node) => string | undefined): string {
  let result = ''
  let end = 0
  const look = (node: ts.Node): void => {
    const text = other(node)
    if (text === undefined) return ts.forEachChild(node, look)
    result += source.slice(end, node.getStart()) + text
    end = node.end
  }
  look(ts.createSourceFile('class.ts', source, ts.ScriptTarget.ES2022, true))
  return result + source.slice(end)
}
