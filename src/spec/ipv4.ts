/** First and last address of a network, as numbers; a single address is a range of one. */
export interface AddressRange {
  first: number;
  last: number;
}

/** `10.0.0.1` or `10.0.0.0/16` as a range. The text has been checked by the schema. */
export function addressRange(text: string): AddressRange {
  const [address = "", bits = "32"] = text.split("/");
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  // Arithmetic, not shifts: JavaScript's shifts are of 32 signed bits.
  const size = 2 ** (32 - Number(bits));
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}

export function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function contains(network: string, address: string): boolean {
  return overlaps(addressRange(network), addressRange(address));
}

/** The number as `a.b.c.d`. */
export function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
