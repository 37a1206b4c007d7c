/**
 * Works something out once for each value, and keeps it for as long as the value is held. Only for values that are never
 * changed: evidence is judged many times between two pieces of news, and most of what it says does not turn with time.
 */
export function once<Of extends object, Result extends object>(work: (of: Of) => Result): (of: Of) => Result {
  const known = new WeakMap<Of, Result>();
  return (of) => {
    const before = known.get(of);
    if (before !== undefined) return before;
    const result = work(of);
    known.set(of, result);
    return result;
  };
}
