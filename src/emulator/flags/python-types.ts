/** A value that one flag's type refuses; `message` is what argparse prints after `argument NAMES: `. */
export class FlagValueError extends Error {}

/** Python's `repr` of a plain string, as argparse quotes values. */
export function repr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}

function invalid(type: string, raw: string): FlagValueError {
  return new FlagValueError(`invalid ${type} value: ${repr(raw)}`);
}

/** Python's `int()`: signs, inner underscores and outer spaces are fine, decimals are not. */
export function parseInteger(raw: string): number {
  const text = raw.trim();
  if (!/^[+-]?\d+(_\d+)*$/.test(text)) throw invalid("int", raw);
  return Number(text.replaceAll("_", ""));
}

/** Python's `float()`. */
export function parseFloatPython(raw: string): number {
  const text = raw.trim().toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (special !== null) return special[2] === "nan" ? Number.NaN : special[1] === "-" ? -Infinity : Infinity;
  const digits = "\\d+(?:_\\d+)*";
  if (!new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`).test(text))
    throw invalid("float", raw);
  return Number(text.replaceAll("_", ""));
}

const SI: Record<string, number> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const IEC: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** `human_readable_int` of srt/utils/common.py:3394: `64k`, `1.5M`, `8Ki`. */
export function parseHumanInteger(raw: string): number {
  const text = raw.trim();
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)$/.exec(text);
  if (match !== null) {
    const [, number = "", suffix = ""] = match;
    const iec = IEC[suffix];
    if (iec === undefined) return Math.trunc(Number(number) * (SI[suffix] ?? 1));
    if (!number.includes(".")) return Number(number) * iec;
    throw new FlagValueError(
      `Decimals are not allowed with IEC suffixes like '${suffix}'. Use an integer IEC value such as ` +
        `'${Math.trunc(Number(number))}${suffix}', or an SI value such as '${number}${suffix[0]}'.`,
    );
  }
  if (/^[+-]?\d+(_\d+)*$/.test(text)) return Number(text.replaceAll("_", ""));
  throw new FlagValueError(
    `Invalid integer value: '${text}'. Use a plain integer, SI suffixes (1k, 1M), or IEC suffixes (1Ki, 1Mi). ` +
      "Suffixes are case-sensitive.",
  );
}

function parseJson(raw: string, refuse: () => FlagValueError): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    throw refuse();
  }
}

function parseGraphBackend(raw: string): string {
  if (raw !== "tc_piecewise") return raw;
  throw new FlagValueError("tc_piecewise was removed; select breakable, full, or disabled");
}

function parseGraphConfig(raw: string): unknown {
  const value = parseJson(raw, () => new FlagValueError("--cuda-graph-config must be JSON"));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new FlagValueError("--cuda-graph-config must be a JSON object");
}

/** Converts one argument string by the name of the Python callable that SGLang gave to argparse. */
export function convert(type: string, raw: string): unknown {
  switch (type) {
    case "int":
      return parseInteger(raw);
    case "float":
      return parseFloatPython(raw);
    case "human_readable_int":
      return parseHumanInteger(raw);
    case "loads":
      return parseJson(raw, () => invalid("loads", raw));
    case "json_list_type":
      return parseJson(raw, () => new FlagValueError(`Invalid JSON list: ${raw}. Please provide a valid JSON list.`));
    case "nullable_str":
      return raw === "" || raw === "None" ? null : raw;
    case "parse_cuda_graph_backend_arg":
      return parseGraphBackend(raw);
    case "parse_cuda_graph_config_arg":
      return parseGraphConfig(raw);
    default:
      return raw;
  }
}
