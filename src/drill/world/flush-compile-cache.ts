import { flushCompileCache } from "node:module";

// Loaded before each program of the rehearsal. Node writes its compile cache when a process ends by itself, and these are
// killed; without this the next rehearsal would compile everything again, which is most of the time it takes to start.
const AFTER_MS = 1_500;

setTimeout(() => flushCompileCache(), AFTER_MS).unref();
