/** Aborted by Ctrl-C, by SIGTERM, or when the terminal goes away: what was started ends with this command. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
