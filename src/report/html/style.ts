/**
 * The style of every page: light and dark by the reader's own setting, one column on a phone, black on white on paper.
 * `--c0` to `--c5` are the lines of charts: each at least 4.5 to 1 against the background of its scheme.
 */
export const STYLE = `
:root { color-scheme: light dark; --back: #ffffff; --text: #1b1f23; --quiet: #57606a; --rule: #d0d7de; --card: #f6f8fa;
  --c0: #0b5cad; --c1: #a8370a; --c2: #1f6b2c; --c3: #7a3fa0; --c4: #755c00; --c5: #ad1457; }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --text: #e6e9ec; --quiet: #a5afb9; --rule: #3d444d;
  --card: #1e2328; --c0: #6cb6ff; --c1: #ff9a63; --c2: #7ddc8a; --c3: #cf9bff; --c4: #e3c34a; --c5: #ff8ab8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; padding-bottom: 0.2rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 0 0 0.5rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
.quiet, caption, figcaption { color: var(--quiet); font-size: 0.875rem; text-align: left; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.wide > div { min-width: 0; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: 0.75rem; margin: 0; }
.server { margin: 0.5rem 0; }
.ranks { display: grid; grid-template-columns: repeat(8, 1fr); gap: 3px; margin: 0.25rem 0 0; padding: 0; list-style: none; }
.ranks li { border: 1px solid var(--c0); border-radius: 3px; text-align: center; font-size: 0.8rem; }
.ranks li.first { background: var(--c0); color: var(--back); }
figure { margin: 0.75rem 0; max-width: 40rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--text); font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
svg .rule { stroke: var(--rule); stroke-width: 1; }
.legend { list-style: none; margin: 0.5rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; font-size: 0.875rem; }
.legend li { display: flex; align-items: center; gap: 0.4rem; }
.legend svg { width: 2.2rem; height: 0.9rem; flex: none; }
.scroll { overflow-x: auto; margin: 0.5rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; overflow-wrap: normal; }
caption { padding-bottom: 0.25rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--rule);
  min-width: 4rem; }
td:last-child { padding-right: 0; }
th[scope="row"] { white-space: nowrap; }
summary { cursor: pointer; padding: 0.5rem 0; color: var(--c0); }
@media print { :root { color-scheme: light; --back: #ffffff; --text: #000000; --quiet: #333333; --rule: #999999;
  --card: #ffffff; --c0: #0b5cad; --c1: #a8370a; --c2: #1f6b2c; --c3: #7a3fa0; --c4: #755c00; --c5: #ad1457; }
  body { padding: 0; font-size: 11pt; } .card, figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } details::details-content { content-visibility: visible; display: block; } }
`;
