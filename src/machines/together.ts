type Works = readonly ((signal: AbortSignal) => Promise<unknown>)[];
type Results<Of extends Works> = { -readonly [At in keyof Of]: Awaited<ReturnType<Of[At]>> };

/**
 * Runs works beside each other. When one fails the others are told to end, and all have ended when this does: nothing goes on
 * behind an error that was printed.
 *
 * @throws the signal's reason, or what failed first
 */
export async function together<const Of extends Works>(
  signal: AbortSignal | undefined,
  works: Of,
): Promise<Results<Of>> {
  const failed = new AbortController();
  const either = AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]);
  const told = async (work: Of[number]) => {
    try {
      return await work(either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const running = works.map(told);
  await Promise.allSettled(running);
  signal?.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return (await Promise.all(running)) as Results<Of>;
}
