import { dirname, join } from 'node:path'
import ts from 'typescript'

/** What a set apart name ends with. */
const ending = 'Inside'

// the declarations of browsers, most of what a compiler reads, are read once
const documents = ts.createDocumentRegistry()

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
  let version = 0
  const service = ts.createLanguageService(
    {
      ...ts.sys,
      useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
      getCompilationSettings: () => options,
      getCurrentDirectory: () => folder,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      getScriptFileNames: () => fileNames,
      getScriptVersion: (name) => (sources.has(name) ? `${version}` : ''),
      getScriptSnapshot(name) {
        const text = sources.get(name) ?? ts.sys.readFile(name)
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
      },
    },
    documents,
  )
  /** File → place of a name → what stands there then. All are found before any is put in, as places move. */
  const names = new Map(fileNames.map((name) => [name, new Map<number, { end: number; text: string }>()]))

  function membersOf(name: string): ts.TypeElement[] {
    const found = fileNames
      .flatMap((file) => service.getProgram()?.getSourceFile(file)?.statements ?? [])
      .filter((statement) => ts.isInterfaceDeclaration(statement))
      .filter((declaration) => declaration.name.text === name)
    if (found.length === 0) throw new Error(`expected an interface ${name}`)
    return found.flatMap(({ members }) => [...members])
  }

  function rename(node: ts.Identifier): void {
    const places = service.findRenameLocations(node.getSourceFile().fileName, node.getStart(), false, false, {
      providePrefixAndSuffixTextForRename: true,
    })
    for (const { fileName, textSpan, prefixText = '', suffixText = '' } of places ?? []) {
      const text = `${prefixText}${node.text}${ending}${suffixText}`
      names.get(fileName)?.set(textSpan.start, { end: textSpan.start + textSpan.length, text })
    }
  }

  function renamed(source: string, places: ReadonlyMap<number, { end: number; text: string }>): string {
    let result = ''
    let done = 0
    for (const [start, { end, text }] of [...places].toSorted(([one], [other]) => one - other)) {
      result += source.slice(done, start) + text
      done = end
    }
    return result + source.slice(done)
  }

  for (const interfaceName of interfaces) {
    for (const { name, questionToken } of membersOf(interfaceName)) {
      if (name && ts.isIdentifier(name) && !questionToken) rename(name)
    }
  }
  for (const [file, places] of names) sources.set(file, renamed(sources.get(file) ?? '', places))
  version++
  for (const { messageText } of fileNames.flatMap((name) => service.getSemanticDiagnostics(name)))
    throw new Error(ts.flattenDiagnosticMessageText(messageText, ' '))
  return sources
}
