/** The same for whoever owns it. */
export type Writable<T> = { -readonly [Name in keyof T]: T[Name] }
