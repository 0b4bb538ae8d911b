import { useEffect, useRef, useState } from 'preact/hooks'
import { Brand } from './frame.tsx'
import { signIn } from './requests.ts'
import { sentence } from './words.ts'

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])

  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setProblem('')
    try {
      await signIn(password)
      onSignedIn()
    } catch (error) {
      setProblem(sentence((error as Error).message))
      setPassword('')
      setBusy(false)
    }
  }

  return (
    <main class="sign-in">
      <Brand />
      <h1>Console</h1>
      <form onSubmit={submit}>
        {/* For programs that keep passwords. */}
        <input class="hidden" autocomplete="username" value="operator" readOnly tabIndex={-1} aria-hidden="true" />
        <label for="password">Password</label>
        <input
          ref={field}
          id="password"
          type="password"
          autocomplete="current-password"
          required
          value={password}
          aria-describedby="problem"
          onInput={({ currentTarget }) => setPassword(currentTarget.value)}
        />
        <p id="problem" role="alert">
          {problem}
        </p>
        <button class="main" type="submit" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  )
}
