import ts from 'typescript'

/**
 * The source of a class without some of its members, and without the statements that only call one of them. For the build
 * alone: a bundler cannot know that nobody uses a member.
 *
 * @throws Error where a member is not there, as then the source is another one than the list was made for.
 */
export function withoutMembers(source: string, unused: readonly string[]): string {
  const missing = new Set(unused)
  const isCall = (statement: ts.Statement): boolean =>
    ts.isExpressionStatement(statement) &&
    ts.isCallExpression(statement.expression) &&
    ts.isPropertyAccessExpression(statement.expression.expression) &&
    statement.expression.expression.expression.kind === ts.SyntaxKind.ThisKeyword &&
    unused.includes(statement.expression.expression.name.text)
  let rest = ''
  let end = 0

  function visit(node: ts.Node): void {
    const member = ts.isClassElement(node) && node.name !== undefined ? node.name.getText() : ''
    if (unused.includes(member)) missing.delete(member)
    else if (!(ts.isStatement(node) && isCall(node))) return ts.forEachChild(node, visit)
    rest += source.slice(end, node.getFullStart())
    end = node.end
  }

  visit(ts.createSourceFile('class.ts', source, ts.ScriptTarget.ES2022, true))
  if (missing.size > 0) throw new Error(`expected members ${[...missing].join(', ')}`)
  return rest + source.slice(end)
}
