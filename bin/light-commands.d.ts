export const LIGHT_COMMANDS: readonly string[];
