import ts from 'typescript'

/**
 * The source of a class without some of its members, and without the statements that only call one of them or that are for
 * the case that it is set. For the build alone: a bundler cannot know that nobody uses a member.
 *
 * @throws Error where a member is not there, as then the source is another one than the list was made for.
 */
export function withoutMembers(source: string, unused: readonly string[]): string {
  const missing = new Set(unused)
  const isUnused = (node: ts.Expression): boolean =>
    ts.isPropertyAccessExpression(node) &&
    node.expression.kind === ts.SyntaxKind.ThisKeyword &&
    unused.includes(node.name.text)
  const isCall = (node: ts.Node): boolean =>
    ts.isExpressionStatement(node) && ts.isCallExpression(node.expression) && isUnused(node.expression.expression)
  const isCase = (node: ts.Node): boolean =>
    ts.isIfStatement(node) && node.elseStatement === undefined && isUnused(node.expression)
  let rest = ''
  let end = 0

  function visit(node: ts.Node): void {
    const member = ts.isClassElement(node) && node.name !== undefined ? node.name.getText() : ''
    if (unused.includes(member)) missing.delete(member)
    else if (!isCall(node) && !isCase(node)) return ts.forEachChild(node, visit)
    rest += source.slice(end, node.getFullStart())
    end = node.end
  }

  visit(ts.createSourceFile('class.ts', source, ts.ScriptTarget.ES2022, true))
  if (missing.size > 0) throw new Error(`expected members ${[...missing].join(', ')}`)
  return rest + source.slice(end)
}
