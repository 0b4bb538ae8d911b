import { cellIn } from '../results.ts'
import { write } from '../table.ts'
import { faultOfPage, type PageMeasured } from './measure-page.ts'
import { type PageRow, type PageRowName, pageFigureNames, pageRowNames, pageRows } from './page-rows.ts'

/** Markdown: a table for each thing that was measured, a line for each figure. */
export function pageTables(measured: readonly PageMeasured[]): string {
  const names = pageRowNames.filter((name) => measured.some(({ row }) => row === name))
  return names.map((name) => pageTable(name, measured)).join('\n\n')
}

function pageTable(name: PageRowName, measured: readonly PageMeasured[]): string {
  const { about, figures }: PageRow = pageRows[name]
  const here = measured.filter(({ row }) => row === name)
  const fault = here.map(faultOfPage).find((one) => one !== undefined)
  const lines = figures.map((figure) => `| ${pageFigureNames[figure]} | ${write(fault ?? cellIn(here, figure))} |`)
  const sentence = `${about[0]?.toUpperCase()}${about.slice(1)}.`
  return [`### ${name}`, '', sentence, '', '| | |', '| --- | ---: |', ...lines].join('\n')
}
