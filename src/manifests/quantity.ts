/**
 * A number of GiB as Kubernetes prints it: whole GiB as `960Gi`, else whole MiB, so that the API server stores the
 * text unchanged and a second apply finds nothing to do.
 */
export function gibQuantity(gib: number): string {
  return Number.isInteger(gib) ? `${gib}Gi` : `${Math.max(1, Math.round(gib * 1024))}Mi`;
}

/** CPU cores in Kubernetes' canonical form: `32`, or `100m` for a tenth of a core. */
export function cpuQuantity(cores: number): string {
  return Number.isInteger(cores) ? String(cores) : `${Math.max(1, Math.round(cores * 1000))}m`;
}
