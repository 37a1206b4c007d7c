/** `1,234,567`. `toLocaleString` would ask the ICU of the machine, and a plan is the same on any machine. */
export function thousands(value: number): string {
  const [whole = "", fraction] = String(value).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
