/** Everything that can be set, as the hub uses it: checked, with defaults filled in. Times in milliseconds, sizes in bytes. */
export interface Config {
  /** Where browsers connect; 0 picks a free one. */
  readonly port: number
  readonly interface: string
  /** Starts with `/`, or is empty. */
  readonly basePath: string
  /** With one of these the REST interface leaves the main port and answers at `/` there too. */
  readonly webApiPort: number | undefined
  readonly webApiInterface: string | undefined
  /** Without it the REST interface is off. */
  readonly apiSecurityToken: string | undefined
  /** Without it the console is off. */
  readonly adminPassword: string | undefined
  /** With it the console leaves the main port. */
  readonly adminPort: number | undefined
  /** For that port. */
  readonly adminInterface: string
  readonly webhookSecret: string | undefined
  readonly signingSecrets: readonly string[]
  /** The only cookie that webhooks carry; undefined: all of them. */
  readonly cookieIdentifier: string | undefined
  readonly ignorePublishNonExistingChannels: boolean
  readonly allowSetConfig: boolean
  readonly open: boolean
  /** Open mode answers only to `Host` headers of this machine, unless `--open` and `-i` were both given (DNS rebinding). */
  readonly checkHost: boolean
  /** Origins besides the hub's own hostname, exactly as a browser sends them. */
  readonly origins: readonly string[]
  /** Whose `X-Forwarded-*` headers are believed: a number of hops, or networks in CIDR form. */
  readonly trustProxy: number | readonly string[]
  readonly linger: number
  /** Frames per second and connection; 0 switches it off. */
  readonly rate: number
  /** What goes to several pages is compressed, for pages that take it. */
  readonly compression: boolean
  /** The file that outlives a planned restart. */
  readonly snapshot: string | undefined
  /** Bytes that all recovery windows may take together. */
  readonly recoveryMemory: number
  /** What the nodes of a hub share is there; undefined: in this process alone. */
  readonly redis: RedisConfig | undefined
  /** How many processes the command starts. */
  readonly workers: number
  /** Milliseconds over which the lines of a node that stops are closed. */
  readonly drain: number
  /** User options for everyone, not checked yet. */
  readonly userDefaults: { readonly [option: string]: unknown }
  readonly webhooks: WebhookConfig
  readonly log: LogConfig
}

export interface RedisConfig {
  readonly urls: readonly string[]
  readonly prefix: string
  /** Replicas that must have an entry before it counts as appended. */
  readonly wait: number
}

/** Where and how the web application is asked. */
export interface WebhookConfig {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly https: boolean
  readonly trailingSlash: boolean
  readonly sendVersion: boolean
  /** Instead of an own path for each webhook. */
  readonly singleUrl: string | undefined
  /** The last part of the path, by webhook; its own name where none is given. */
  readonly names: { readonly [webhook: string]: string }
  readonly timeout: number
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** Faults go to this file as well. */
  readonly errorFile: string | undefined
  /** One line for each HTTP request and WebSocket goes to this file. */
  readonly accessFile: string | undefined
}
