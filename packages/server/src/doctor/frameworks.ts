import type { Answer } from '../webhooks/reply.ts'
import { type Finding, wrong } from './finding.ts'

interface Guard {
  readonly code: string
  readonly framework: string
  readonly status: number
  /** In the body; undefined: the status says enough. */
  readonly body?: RegExp
  readonly why: string
  readonly mend: string
}

const forgery = 'takes the call for a forged form and refuses it, as it has no CSRF token'

/** Guards that frameworks put before a callback, by what they answer. */
const guards: readonly Guard[] = [
  {
    code: 'csrf',
    framework: 'Django',
    status: 403,
    body: /CSRF verification failed|CSRF cookie not set|CSRF Failed/i,
    why: forgery,
    mend: 'Put @csrf_exempt before the view; it checks the hub’s secret instead.',
  },
  {
    code: 'csrf',
    framework: 'Rails',
    status: 422,
    body: /InvalidAuthenticityToken|InvalidCrossOriginRequest|The change you wanted was rejected/,
    why: forgery,
    mend: 'Write skip_forgery_protection into the controller; it checks the hub’s secret instead.',
  },
  {
    code: 'csrf',
    framework: 'Laravel',
    status: 419,
    why: forgery,
    mend: "Except hookbox/* in bootstrap/app.php, $middleware->validateCsrfTokens(except: ['hookbox/*']), or let routes/api.php have the route.",
  },
  {
    code: 'csrf',
    framework: 'The application',
    status: 403,
    body: /csrf|cross.site request forgery|forgery/i,
    why: forgery,
    mend: 'Take the callbacks out of its protection against forged forms; they check the hub’s secret instead.',
  },
  {
    code: 'csrf',
    framework: 'The application',
    status: 400,
    body: /csrf/i,
    why: forgery,
    mend: 'Take the callbacks out of its protection against forged forms (Flask-WTF: @csrf.exempt); they check the hub’s secret instead.',
  },
  {
    code: 'host_not_allowed',
    framework: 'Django',
    status: 400,
    body: /DisallowedHost|Invalid HTTP_HOST|Bad Request \(400\)/,
    why: 'does not know the host name that the hub calls it by',
    mend: 'Add it to ALLOWED_HOSTS.',
  },
  {
    code: 'host_not_allowed',
    framework: 'Rails',
    status: 403,
    body: /Blocked hosts?:/,
    why: 'does not know the host name that the hub calls it by',
    mend: 'Add it to config.hosts.',
  },
]

/** As far as a body is searched. */
const looked = 262_144

/** The guard that answered instead of the callback. */
export function explainGuard({ status, body }: Answer): Finding | undefined {
  const start = body.slice(0, looked)
  const guard = guards.find((one) => one.status === status && (one.body === undefined || one.body.test(start)))
  return guard && wrong(guard.code, `${guard.framework} ${guard.why} (${status}).`, guard.mend)
}
