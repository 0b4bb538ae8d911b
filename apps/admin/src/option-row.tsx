import type { Json } from '@hookbox/protocol'
import { useEffect, useState } from 'preact/hooks'
import { sentence } from './words.ts'

interface OptionProps {
  readonly name: string
  readonly value: Json
  readonly help: string | undefined
  /** @throws Error in the words of the hub, which checks it */
  readonly set: (value: Json) => Promise<unknown>
}

/** One option, set by itself: what is wrong with it stands beside it. */
export function OptionRow({ name, value, help, set }: OptionProps) {
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  const id = `option-${name}`

  const change = async (next: Json) => {
    setBusy(true)
    try {
      await set(next)
      setProblem('')
    } catch (error) {
      setProblem(sentence((error as Error).message))
    }
    setBusy(false)
  }

  return (
    <div class="option">
      <label for={id}>
        <code>{name}</code>
        {help && <small>{help}</small>}
      </label>
      {typeof value === 'boolean' ? (
        <input
          id={id}
          type="checkbox"
          role="switch"
          aria-checked={value}
          checked={value}
          disabled={isBusy}
          aria-describedby={`${id}-problem`}
          onChange={({ currentTarget }) => {
            const next = currentTarget.checked
            // Until the hub has said yes it is what it was.
            currentTarget.checked = value
            void change(next)
          }}
        />
      ) : (
        <TextControl id={id} value={value} isBusy={isBusy} isWrong={problem !== ''} change={change} />
      )}
      <p role="alert" id={`${id}-problem`} class="problem">
        {problem}
      </p>
    </div>
  )
}

interface ControlProps {
  readonly id: string
  readonly value: Json
  readonly isBusy: boolean
  readonly isWrong: boolean
  readonly change: (value: Json) => Promise<void>
}

/** JSON, or whatever it is: the hub says what it expected. */
function TextControl({ id, value, isBusy, isWrong, change }: ControlProps) {
  const current = JSON.stringify(value)
  const [text, setText] = useState(current)
  useEffect(() => setText(current), [current])
  const isNew = text !== current
  const submit = (event: Event) => {
    event.preventDefault()
    void change(valueIn(text))
  }
  const common = {
    id,
    value: text,
    class: 'code',
    spellcheck: false,
    'aria-describedby': `${id}-problem`,
    'aria-invalid': isWrong,
  }
  return (
    <form onSubmit={submit}>
      {typeof value === 'object' && value !== null && current.length > 24 ? (
        <textarea {...common} rows={3} onInput={({ currentTarget }) => setText(currentTarget.value)} />
      ) : (
        <input {...common} autocomplete="off" onInput={({ currentTarget }) => setText(currentTarget.value)} />
      )}
      {isNew && (
        <button type="submit" class="main" disabled={isBusy}>
          Set
        </button>
      )}
    </form>
  )
}

/** What is no JSON is a text. */
function valueIn(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
