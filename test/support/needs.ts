/**
 * For the options of a test that needs something of the machine: runs it when nothing is missing, skips it with the reason
 * on somebody's own machine, and lets it run and fail where all must be there (`CI`).
 */
export function unlessMissing(why: string | undefined): { readonly skip: string | false } {
  const mustBeThere = (process.env["CI"] ?? "") !== "";
  return { skip: why === undefined || mustBeThere ? false : why };
}
