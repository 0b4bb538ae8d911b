import { dirname, join } from 'node:path'
import ts from 'typescript'

/** What a set apart name ends with. */
const ending = 'Inside'

/**
 * The sources of a package in which members of its inner interfaces have names that nobody else has: `closeInside` where
 * the source says `close`. For the build alone, which can make short only what is nobody else's (`internal-names.ts`).
 *
 * An interface may be named where its every object is one that the package makes, and no browser's, wire's or caller's.
 * Members that may be missing keep their names, since a compiler would not notice where they got lost.
 *
 * @throws Error where an interface is not there, or what comes out is not what the compiler takes.
 */
export function setApart(folder: string, interfaces: readonly string[]): Map<string, string> {
  const project = join(folder, 'tsconfig.json')
  const { fileNames, options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(project, ts.sys.readFile).config,
    ts.sys,
    dirname(project),
  )
  const sources = new Map(fileNames.map((name) => [name, ts.sys.readFile(name) ?? '']))
  const versions = new Map<string, number>()
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => options,
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    getScriptFileNames: () => fileNames,
    getScriptVersion: (name) => `${versions.get(name)}`,
    getScriptSnapshot(name) {
      const text = sources.get(name) ?? ts.sys.readFile(name)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
  })

  function declarationsOf(name: string): ts.InterfaceDeclaration[] {
    const found = fileNames
      .flatMap((file) => service.getProgram()?.getSourceFile(file)?.statements ?? [])
      .filter((statement) => ts.isInterfaceDeclaration(statement))
      .filter((declaration) => declaration.name.text === name)
    if (found.length === 0) throw new Error(`expected an interface ${name}`)
    return found
  }

  /** The name of a member that is not set apart yet. */
  function nextOf(name: string): ts.Node | undefined {
    return declarationsOf(name)
      .flatMap(({ members }) => [...members])
      .find(({ name, questionToken }) => name && ts.isIdentifier(name) && !name.text.endsWith(ending) && !questionToken)
      ?.name
  }

  function rename(node: ts.Node): void {
    const to = `${node.getText()}${ending}`
    const places =
      service.findRenameLocations(node.getSourceFile().fileName, node.getStart(), false, false, {
        providePrefixAndSuffixTextForRename: true,
      }) ?? []
    // from the end of a file, so that what comes before stays where it is
    for (const { fileName, textSpan, prefixText = '', suffixText = '' } of places.toSorted(
      (one, other) => other.textSpan.start - one.textSpan.start,
    )) {
      const text = sources.get(fileName) ?? ''
      const rest = text.slice(textSpan.start + textSpan.length)
      versions.set(fileName, (versions.get(fileName) ?? 0) + 1)
      sources.set(fileName, `${text.slice(0, textSpan.start)}${prefixText}${to}${suffixText}${rest}`)
    }
  }

  for (const name of interfaces) for (let next = nextOf(name); next; next = nextOf(name)) rename(next)
  for (const { messageText } of fileNames.flatMap((name) => service.getSemanticDiagnostics(name)))
    throw new Error(ts.flattenDiagnosticMessageText(messageText, ' '))
  return sources
}
