import { browserObstacle, ensureBrowser } from "./browser.ts";

// A stage of the gate: a Chromium for the tests of pages. Where none can be had they are skipped, and counted so.
const obstacle = await browserObstacle();
process.stdout.write(`${obstacle ?? `pages are opened in ${await ensureBrowser(console.log)}`}\n`);
