/**
 * Runs two works beside each other. When one fails the other is told to end, and both have ended when this does: nothing
 * goes on behind an error that was printed.
 *
 * @throws what failed first, or the signal's reason
 */
export async function both<First, Second>(
  signal: AbortSignal,
  first: (signal: AbortSignal) => Promise<First>,
  second: (signal: AbortSignal) => Promise<Second>,
): Promise<[First, Second]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const told = async <Result>(work: (signal: AbortSignal) => Promise<Result>) => {
    try {
      return await work(either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const works = [told(first), told(second)] as const;
  await Promise.allSettled(works);
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return Promise.all(works);
}
