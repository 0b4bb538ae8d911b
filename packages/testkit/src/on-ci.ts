/** Whether nobody sees what is left out: there a test that cannot run is a failed one. */
export function onCi(): boolean {
  const { CI = '' } = process.env
  return CI !== '' && CI !== '0' && CI !== 'false'
}
