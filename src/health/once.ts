/**
 * Works something out once for each value, and keeps it for as long as the value is held (the last one until another is asked
 * about). Only for values that are never changed: evidence is judged many times between two pieces of news, and most of what it
 * says does not turn with time.
 */
export function once<Of extends object, Result extends object>(work: (of: Of) => Result): (of: Of) => Result {
  const known = new WeakMap<Of, Result>();
  let last: { of: Of; result: Result } | null = null;
  return (of) => {
    // Mostly it is the one of a moment ago, and no map need be asked.
    if (last?.of === of) return last.result;
    let result = known.get(of);
    if (result === undefined) {
      result = work(of);
      known.set(of, result);
    }
    last = { of, result };
    return result;
  };
}
