import { asText } from "../markup.ts";

/** `14:02:11 UTC`, with the date where it is another day than `nowIso`. */
export function clockText(iso: string, nowIso: string): string {
  const time = `${iso.slice(11, 19)} UTC`;
  return iso.slice(0, 10) === nowIso.slice(0, 10) ? time : `${iso.slice(0, 10)} ${time}`;
}

/** A time that the page's script turns into `3 min ago`; without the script it says when. */
export function agoTime(iso: string): string {
  return `<time datetime="${asText(iso)}" title="${asText(iso)}" data-ago>${asText(iso.slice(0, 19).replace("T", " "))} UTC</time>`;
}

/** A time that stays as it is: within what is read aloud when it changes. */
export function fixedTime(iso: string, nowIso: string): string {
  return `<time datetime="${asText(iso)}">${asText(clockText(iso, nowIso))}</time>`;
}

export function secondsText(ms: number): string {
  return ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
