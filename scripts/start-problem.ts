/** Something that whoever reads the terminal can mend: the sentence is enough, a stack would only hide it. */
export class Problem extends Error {
  override name = 'Problem'
}
