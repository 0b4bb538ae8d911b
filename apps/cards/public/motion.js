const lessMotion = matchMedia('(prefers-reduced-motion: reduce)')
const easing = 'cubic-bezier(0.2, 0.8, 0.25, 1)'

const centre = ({ left, top, width, height }) => [left + width / 2, top + height / 2]

/** Lets an element arrive where it is from where something else is or was. */
export function arrive(element, from, { delay = 0, duration = 450 } = {}) {
  if (lessMotion.matches || !from?.width) return
  const to = element.getBoundingClientRect()
  const [[fromX, fromY], [toX, toY]] = [centre(from), centre(to)]
  const scale = Math.min(1, Math.max(0.3, from.width / to.width))
  const rest = getComputedStyle(element).transform.replace('none', '')
  const start = `translate(${fromX - toX}px, ${fromY - toY}px) ${rest} scale(${scale})`
  element.animate([{ transform: start }, { transform: rest || 'none' }], { duration, delay, easing, fill: 'backwards' })
}

/** Sends the back of a card from one place to another. */
export function fly(from, to, options) {
  if (lessMotion.matches || !from?.width || !to?.width) return
  const back = document.createElement('span')
  back.className = 'back flying'
  back.setAttribute('aria-hidden', 'true')
  const [x, y] = centre(to)
  back.style.left = `${x}px`
  back.style.top = `${y}px`
  document.body.append(back)
  arrive(back, from, options)
  Promise.all(back.getAnimations().map(({ finished }) => finished)).finally(() => back.remove())
}

/** No, in one movement. */
export function shake(element) {
  if (lessMotion.matches) return
  const by = (x) => ({ translate: `${x}px` })
  element.animate([by(0), by(-5), by(5), by(-4), by(3), by(0)], { duration: 320 })
}
