import { InvalidArgumentError } from "commander";

/** A whole number above 0, of an option. */
export function count(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("it is a whole number from 1 to 9999999");
  return Number(text);
}

/** A number above 0, of an option. */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1e6)) throw new InvalidArgumentError("it is a number above 0");
  return value;
}

/** A share from 0 to 1, of an option. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) throw new InvalidArgumentError("it is a number from 0 to 1");
  return value;
}
