import { createRequire } from "node:module";
import { execaSync } from "execa";

// The `@biomejs/biome` wrapper lists ten platform packages and `npm ci` fails where a registry mirror lacks one of them,
// so the binary of this platform is called directly.
const biome = createRequire(import.meta.url).resolve(`@biomejs/cli-${process.platform}-${process.arch}/biome`);
const { exitCode } = execaSync(biome, ["check", ...process.argv.slice(2), "."], { stdio: "inherit", reject: false });
process.exitCode = exitCode ?? 1;
