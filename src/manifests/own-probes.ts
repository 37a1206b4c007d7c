/** Both for a minute: a start, and a process that answers nobody. */
const START = { periodSeconds: 1, failureThreshold: 60 };
/** Each probe wakes up the kubelet and what it asks, all day long; a container that ends is seen without one. */
const EVERY = { periodSeconds: 10 };

/**
 * Probes of Tandem's own parts.
 *
 * @param answers what each of them does, and its time-out
 * @param starts what tells that it has started, where that is not the same
 */
export function ownProbes(answers: object, starts: object = answers) {
  return {
    startupProbe: { ...starts, ...START },
    readinessProbe: { ...answers, ...EVERY },
    livenessProbe: { ...answers, ...EVERY, failureThreshold: 3 },
  };
}
