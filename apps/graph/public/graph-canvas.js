/* global Chart */
const points = 30
/** Chart.js leaves out what lies behind a point exactly at the edge, but that is just where points come in and go. */
const edge = 0.01
const still = matchMedia('(prefers-reduced-motion: reduce)')
const dark = matchMedia('(prefers-color-scheme: dark)')

/** Two lines over the last 30 measurements. Every new one pushes the others to the left. */
export function drawGraph(canvas) {
  const chart = new Chart(canvas, {
    type: 'line',
    data: { datasets: [line('cpu', { fill: true, order: 1 }), line('memory', { borderWidth: 1.75, order: 0 })] },
    options: {
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      events: [],
      animation: { duration: 600, easing: 'easeInOutCubic' },
      layout: { padding: { top: 6, right: 6 } },
      plugins: { legend: { display: false } },
      scales: {
        x: { type: 'linear', display: false },
        y: {
          min: 0,
          max: 100,
          border: { display: false },
          grid: { drawTicks: false },
          ticks: { stepSize: 25, padding: 10, callback: (value) => (value % 50 === 0 ? `${value} %` : '') },
        },
      },
    },
  })

  /** The number of the newest point: a point keeps its place on the x axis while the axis moves on. */
  let newest = 0

  function paint() {
    const style = getComputedStyle(canvas)
    const colour = (name) => style.getPropertyValue(`--${name}`).trim()
    chart.options.font.family = style.fontFamily
    chart.options.scales.y.grid.color = colour('line')
    chart.options.scales.y.ticks.color = colour('soft')
    for (const dataset of chart.data.datasets) {
      dataset.borderColor = colour(dataset.label)
      dataset.pointBackgroundColor = colour(dataset.label)
    }
    chart.data.datasets[0].backgroundColor = ({ chart: { chartArea, ctx } }) => {
      if (!chartArea) return 'transparent'
      const fade = ctx.createLinearGradient(0, chartArea.top, 0, chartArea.bottom)
      fade.addColorStop(0, colour('cpu-fill'))
      fade.addColorStop(1, 'transparent')
      return fade
    }
    chart.update('none')
  }

  function append(load) {
    newest += 1
    for (const { label, data } of chart.data.datasets) {
      data.push({ x: newest, y: load[label] })
      // Two more than are seen: one at each edge is on its way out.
      if (data.length > points + 2) data.shift()
    }
  }

  function showUpTo(number, mode) {
    chart.options.scales.x.min = number - points + 1 - edge
    chart.options.scales.x.max = number + edge
    chart.update(mode)
    canvas.dataset.points = Math.min(points, chart.data.datasets[0].data.length)
    canvas.dataset.newest = number
  }

  dark.addEventListener('change', paint)
  paint()

  return {
    /** Everything there is, at once. */
    start(loads) {
      for (const { data } of chart.data.datasets) data.length = 0
      for (const load of loads.slice(-points)) append(load)
      showUpTo(newest, 'none')
    },
    /** A new one: drawn beyond the right edge first, from where it slides in with the rest. */
    add(load) {
      append(load)
      showUpTo(newest - 1, 'none')
      showUpTo(newest, still.matches || document.hidden ? 'none' : undefined)
    },
  }
}

/** Only the newest point is marked. */
function line(label, style) {
  const last = ({ dataIndex, dataset }) => dataIndex === dataset.data.length - 1
  return {
    label,
    data: [],
    borderWidth: 2.25,
    borderJoinStyle: 'round',
    cubicInterpolationMode: 'monotone',
    pointRadius: (context) => (last(context) ? 4 : 0),
    pointBorderWidth: 0,
    clip: { left: 0, right: 6, top: 4, bottom: 4 },
    ...style,
  }
}
