/** What the live page has beyond the style of every page; states are colour and word, never colour alone. */
export const DASHBOARD_STYLE = `
.top { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: baseline; justify-content: space-between; }
.top h1 { margin: 0; } .top nav, .actions { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; top: 0.5rem; background: var(--back); padding: 0.5rem; z-index: 1; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.button, button { display: inline-block; font: inherit; color: var(--c0); background: var(--back); border: 1px solid var(--c0);
  border-radius: 6px; padding: 0.5rem 0.9rem; min-height: 2.75rem; text-decoration: none; cursor: pointer; }
button.strong { background: var(--c0); color: var(--back); }
:focus-visible { outline: 3px solid var(--c3); outline-offset: 2px; }
#link { font-size: 0.875rem; color: var(--quiet); } #link::before { content: "● "; color: var(--c2); }
.stale #link { color: var(--c1); font-weight: 600; } .stale #link::before { content: "▲ "; color: var(--c1); }
.stale main { opacity: 0.75; }
.alarms { list-style: none; margin: 1rem 0 0; padding: 0; display: grid; gap: 0.5rem; }
.alarms li { border: 1px solid var(--rule); border-left: 6px solid var(--c0); border-radius: 6px; padding: 0.5rem 0.75rem; background: var(--card); }
.alarms .bad { border-left-color: var(--c1); } .alarms .warn { border-left-color: var(--c4); }
.alarms p { margin: 0.1rem 0 0; max-width: none; }
.decision { font-size: 1.15rem; margin: 1rem 0; padding: 0.75rem; border: 1px solid var(--rule); border-left: 6px solid var(--c2); border-radius: 6px; max-width: none; }
.decision.wait, .decision.act { border-left-color: var(--c4); } .decision.escalate { border-left-color: var(--c1); }
.decision small { display: block; color: var(--quiet); font-size: 0.875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.75rem; margin: 1rem 0; }
.tiles > div { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: 0.6rem 0.75rem; }
.tiles dt { color: var(--quiet); font-size: 0.875rem; } .tiles dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tiles dd small { font-size: 0.875rem; color: var(--quiet); display: block; }
.group { border-top: 4px solid var(--rule); } .group.active { border-top-color: var(--c2); } .group.bad { border-top-color: var(--c1); }
.group h3 { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; font-size: 1.1rem; }
.badge { font-size: 0.8rem; font-weight: 600; border: 1px solid currentColor; border-radius: 999px; padding: 0 0.55rem; }
.good { color: var(--c2); } .watch { color: var(--c4); } .badly { color: var(--c1); } .unsure { color: var(--quiet); }
.card p { margin: 0.25rem 0; } .card h4 { font-size: 1rem; margin: 0.75rem 0 0.25rem; display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; align-items: center; }
.gpus { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 4px; margin: 0; padding: 0; list-style: none; }
.gpus li { border: 1px solid currentColor; border-radius: 4px; text-align: center; font-size: 0.8rem; line-height: 1.25; padding: 2px 0; font-variant-numeric: tabular-nums; }
.gpus li span { display: block; color: var(--text); } .gpus li.none { border-style: dashed; }
.flow { max-width: none; } .flow .area { fill-opacity: 0.18; } .flow .line { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.flow > svg { height: 8rem; border-top: 1px dashed var(--rule); border-bottom: 1px solid var(--rule); }
.axis { display: flex; justify-content: space-between; max-width: none; margin: 0.1rem 0; font-size: 0.875rem; color: var(--quiet); }
.figures { display: grid; grid-template-columns: auto 1fr; gap: 0 0.75rem; margin: 0.25rem 0; font-size: 0.9rem; } .figures dt { color: var(--quiet); } .figures dd { margin: 0; }
.ladder { list-style: none; margin: 0.5rem 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1.5rem; font-size: 0.9rem; }
.ladder li { display: grid; grid-template-columns: 5.5rem 5.5rem 1fr; gap: 0 0.5rem; padding: 0.3rem 0; border-bottom: 1px solid var(--rule); }
.ladder .what { color: var(--quiet); }
label { display: block; margin: 1rem 0 0.25rem; font-weight: 600; }
input[type="password"] { font: inherit; width: 100%; max-width: 28rem; padding: 0.6rem; border: 1px solid var(--quiet); border-radius: 6px; background: var(--back); color: var(--text); }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: 0.75rem; overflow-x: auto; font-size: 0.875rem; white-space: pre-wrap; }
form { margin: 1rem 0; } form.inline { margin: 0; display: inline; }
@media (max-width: 30rem) { body { padding: 0.75rem; } .gpus { grid-template-columns: repeat(4, minmax(0, 1fr)); } .ladder li { grid-template-columns: 4.5rem 5rem 1fr; } }
@media (prefers-reduced-motion: no-preference) { .alarms li.new { animation: come 0.4s; } @keyframes come { from { opacity: 0; } } }
`;
