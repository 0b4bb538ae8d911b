import type { Exchange } from '../webhooks/http.ts'
import { maxReply } from '../webhooks/http.ts'
import { excerpt } from '../webhooks/reply.ts'
import { type Finding, wrong } from './finding.ts'
import type { Place } from './place.ts'

type Explain = (place: Place, text: string) => Finding

const notFound: Explain = ({ url, flags }) =>
  wrong(
    'host_not_found',
    `The host ${url.hostname} was not found.`,
    `Set ${flags.address} to a name or address of your application that this machine knows. In a container that is the name of the application’s container.`,
  )

const refused: Explain = ({ listener, flags }) =>
  wrong(
    'connection_refused',
    `Nobody listens at ${listener}.`,
    `Start your application, or set ${flags.address} to where it listens. In a container, localhost is the container itself.`,
  )

const unreachable: Explain = ({ listener, flags }, text) =>
  wrong(
    'unreachable',
    `${listener} cannot be reached: ${text}.`,
    `Look for a firewall or a missing route between here and there, or set ${flags.address} to another address.`,
  )

const closed: Explain = ({ listener, url, flags }) =>
  wrong(
    'connection_closed',
    `${listener} closed the connection before the answer was complete.`,
    `Look into the application’s log: it may have crashed.${url.protocol === 'http:' ? ` If this port speaks TLS, ${flags.https}.` : ''}`,
  )

const tooLarge: Explain = ({ flags }) =>
  wrong(
    'too_large',
    `The answer is larger than ${maxReply / 1_048_576} MiB, and no more of it is read.`,
    `Reply with the details alone. If this is a page or a file, set ${flags.path} to where the callbacks are.`,
  )

const noTls: Explain = ({ listener, flags }) =>
  wrong('no_tls', `${listener} does not speak TLS.`, `${capital(flags.http)}.`)

const noHttp: Explain = ({ listener, flags }) =>
  wrong(
    'no_http',
    `What listens at ${listener} does not speak HTTP.`,
    `Set ${flags.address} to where your application listens.`,
  )

/** By the codes of Node and undici. */
const byCode: { readonly [code: string]: Explain } = {
  ENOTFOUND: notFound,
  EAI_AGAIN: notFound,
  ECONNREFUSED: refused,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EHOSTDOWN: unreachable,
  EADDRNOTAVAIL: unreachable,
  EINVAL: unreachable,
  ETIMEDOUT: unreachable,
  UND_ERR_CONNECT_TIMEOUT: unreachable,
  ECONNRESET: closed,
  EPIPE: closed,
  UND_ERR_SOCKET: closed,
  UND_ERR_RES_EXCEEDED_MAX_SIZE: tooLarge,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_HTTP_REQUEST: noTls,
}

const ownCertificate =
  'Name the authority that signed it when you start the hub: NODE_EXTRA_CA_CERTS=/path/ca.pem. On one machine, http will do.'

/** What Node says of a certificate that it does not trust, and what helps. */
const certificates: { readonly [code: string]: string } = {
  DEPTH_ZERO_SELF_SIGNED_CERT: ownCertificate,
  SELF_SIGNED_CERT_IN_CHAIN: ownCertificate,
  UNABLE_TO_GET_ISSUER_CERT: ownCertificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ownCertificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'Let the server send the certificates between its own and the authority’s as well, or name the authority: NODE_EXTRA_CA_CERTS=/path/ca.pem.',
  CERT_HAS_EXPIRED: 'Renew it.',
  CERT_NOT_YET_VALID: 'Set the clocks right, here and there.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Set --cbhost to a name that the certificate is for.',
}

/** Why no answer came. */
export function explainSilence({ problem, late }: Exchange, place: Place, timeout: number): Finding {
  if (late === true) {
    return wrong(
      'time_out',
      `No complete answer came within ${timeout / 1_000} s.`,
      'Look for what the application waits for. One that does a single thing at a time cannot answer while it waits itself: give it more workers.',
    )
  }
  const { code, message, name } = problem as { code?: unknown; message?: unknown; name?: unknown }
  const text = excerpt(typeof message === 'string' && message !== '' ? message : String(code ?? problem)).trim()
  const word = String(code)
  const mend = Object.hasOwn(certificates, word) ? certificates[word] : undefined
  if (mend !== undefined) {
    return wrong('certificate', `The certificate of ${place.listener} is not trusted: ${text}.`, mend)
  }
  const explain = Object.hasOwn(byCode, word) ? byCode[word] : undefined
  if (explain) return explain(place, text)
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(word)) {
    return wrong(
      'tls',
      `No secure line to ${place.listener} came about: ${text}.`,
      `If it speaks http, ${place.flags.http}.`,
    )
  }
  if (name === 'HTTPParserError') return noHttp(place, text)
  return wrong(
    'not_asked',
    `The application could not be asked: ${text}.`,
    `See whether this machine gets an answer with: curl -i -X POST ${place.shown}`,
  )
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
