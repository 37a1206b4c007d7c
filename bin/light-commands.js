// Commands that only read, think and print. The package holds them in one bundle that starts at once.
export const LIGHT_COMMANDS = ["cost", "explain", "init", "plan", "render", "schema", "size", "validate"];
