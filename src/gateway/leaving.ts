/**
 * How far a replica is on its way out. `drains`: it works as before until its answers have ended; `handed over`: a successor has
 * its ports, and its answers go on; `ends`: it takes nothing, and the address is another's.
 */
export type Leaving = "no" | "drains" | "handed over" | "ends";
