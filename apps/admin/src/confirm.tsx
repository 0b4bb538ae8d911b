import { useEffect, useRef, useState } from 'preact/hooks'
import { sentence } from './words.ts'

/** What is done only after somebody has said so twice. */
export interface Question {
  readonly title: string
  readonly text: string
  /** What is on the button. */
  readonly verb: string
  readonly act: () => Promise<unknown>
}

/** Asks first; where it cannot be done, it says why. */
export function Confirm({ question, onClose }: { question: Question | undefined; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [problem, setProblem] = useState('')
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    setProblem('')
    setBusy(false)
    if (question) dialog.current?.showModal()
    else dialog.current?.close()
  }, [question])

  const act = async () => {
    setBusy(true)
    try {
      await question?.act()
      onClose()
    } catch (error) {
      setProblem(sentence((error as Error).message))
      setBusy(false)
    }
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="question">
      <h2 id="question">{question?.title}</h2>
      <p>{question?.text}</p>
      <p role="alert" class="problem">
        {problem}
      </p>
      <div class="choices">
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" disabled={isBusy} onClick={act}>
          {question?.verb}
        </button>
      </div>
    </dialog>
  )
}
