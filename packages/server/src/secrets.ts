/** Names of what nobody is to read in a log, also as the last part of a longer name. */
const secretName = /(cookies?|cookie_?string|authorization|secrets?|tokens?|tickets?|passwords?)$|^session$/i
/** Whether what stands under this name may be a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

const jsonMembers = /"((?:[^"\\]|\\.)*)"(\s*:\s*)("(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*)/g
const formFields = /\b([\w-]+)=([^&\s"'<>]+)/g

/** A text in which members of JSON and fields of forms that are named like secrets have lost their values. */
export function withoutSecrets(text: string): string {
  return text
    .replace(jsonMembers, (member, name: string, colon: string) =>
      isSecretName(name) ? `"${name}"${colon}"[redacted]"` : member,
    )
    .replace(formFields, (field, name: string) => (isSecretName(name) ? `${name}=[redacted]` : field))
}

/** The values that {@link withoutSecrets} would take away. */
export function secretsIn(text: string): string[] {
  const members = [...text.matchAll(jsonMembers)].map(([, name = '', , value = '']) => [
    name,
    value.replaceAll('"', ''),
  ])
  const fields = [...text.matchAll(formFields)].map(([, name = '', value = '']) => [name, value])
  return [...members, ...fields].flatMap(([name = '', value = '']) => (isSecretName(name) ? [value] : []))
}
