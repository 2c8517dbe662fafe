"""The look of an answer: one scoped style sheet, in the colours of the page around it.

JupyterLab sets `--jp-*` for its light and dark themes; without them the reader's own preference decides. Its rules
for the HTML of outputs (tables aligned right, striped, spaced) are more specific than a class and an element, so ours
count as an id: `:not(#x)` matches everything and weighs as much as `#x`.
"""

from __future__ import annotations

_CARD = ".fin-answer:not(#x)"
_RULES = """
.fin-answer{--fin-bg:var(--jp-layout-color0,#fff);--fin-soft:var(--jp-layout-color1,#f6f8fa);
--fin-ink:var(--jp-ui-font-color1,#1b1f24);--fin-dim:var(--jp-ui-font-color2,#59636e);
--fin-line:var(--jp-border-color2,#d7dce1);--fin-rule:var(--jp-border-color3,#e3e7eb);
--fin-a:var(--jp-brand-color1,#1765cc);--fin-b:#12876f;--fin-warn:#9a6700;--fin-good:#1a7f37}
@media (prefers-color-scheme:dark){.fin-answer{--fin-bg:var(--jp-layout-color0,#0f1318);
--fin-soft:var(--jp-layout-color1,#171c23);--fin-ink:var(--jp-ui-font-color1,#e6e9ed);
--fin-dim:var(--jp-ui-font-color2,#9ba5b1);--fin-line:var(--jp-border-color2,#323a44);
--fin-rule:var(--jp-border-color3,#2a313a);--fin-a:var(--jp-brand-color1,#6aa9ff)}}
[data-jp-theme-light="false"] .fin-answer{--fin-b:#3fb99b;--fin-warn:#d8a02e;--fin-good:#4cc46b}
@media (prefers-color-scheme:dark){:root:not(:has([data-jp-theme-light="true"])) .fin-answer{--fin-b:#3fb99b;
--fin-warn:#d8a02e;--fin-good:#4cc46b}}
.fin-answer{color:var(--fin-ink);background:var(--fin-bg);border:1px solid var(--fin-line);border-radius:10px;
padding:18px 22px;max-width:1120px;font:14px/1.5 var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif);overflow-wrap:break-word;container-type:inline-size}
& *{box-sizing:border-box}
& style+*{margin-top:0}
& h2{font-size:1.5em;line-height:1.25;margin:0 0 2px;font-weight:650;color:inherit}
& h3{font-size:1.12em;line-height:1.3;margin:0 0 2px;font-weight:650;color:inherit}
& h4{font-size:1em;line-height:1.4;margin:20px 0 6px;font-weight:650;color:inherit}
& p{margin:6px 0}
& .fin-dim{color:var(--fin-dim);font-size:.9em;font-weight:400}
& .fin-note{color:var(--fin-dim);font-size:.86em;line-height:1.4;margin:2px 0}
& .fin-badge{color:var(--fin-warn);border:1px solid;border-radius:99px;padding:1px 9px;font-size:.8em}
& .fin-flag{border-left:3px solid var(--fin-warn);padding:4px 12px;margin:10px 0;background:var(--fin-soft)}
& .fin-companies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:16px;
margin:12px 0}
& .fin-company{min-width:0}
& .fin-companies .fin-company{border:1px solid var(--fin-line);border-radius:8px;padding:14px 16px}
& .fin-tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,165px),1fr));gap:10px;margin:12px 0}
& .fin-tile{background:var(--fin-soft);border:1px solid var(--fin-line);border-radius:8px;padding:9px 12px;min-width:0}
& .fin-tile>*{display:block}
& .fin-tile b{font-size:1.2em;font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap}
& .fin-whole{white-space:nowrap}
& .fin-scroll{overflow-x:auto;margin:2px 0 6px}
& table{border-collapse:collapse;table-layout:auto;width:100%;font-size:.93em;margin:0;border:0}
& .fin-narrow table{width:auto;min-width:min(100%,460px)}
& tr{background:none}
& th,& td{padding:4px 10px;border:0;border-bottom:1px solid var(--fin-rule);text-align:left;line-height:1.45;
vertical-align:top;max-width:none;background:none;color:inherit;white-space:normal;overflow-wrap:normal}
& thead th{color:var(--fin-dim);font-weight:600;border-bottom-width:2px;vertical-align:bottom}
& tbody th{font-weight:400}
& th:first-child{padding-left:4px;min-width:9em;position:sticky;left:0;background:var(--fin-bg)}
& .fin-n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
& .fin-none{color:var(--fin-dim);font-style:italic;font-size:.92em}
& tbody tr:nth-child(n){background:none}
& tbody tr:nth-child(n):hover,& tbody tr:hover th:first-child{background:var(--fin-soft)}
& tbody th[title]{text-decoration:underline dotted var(--fin-dim);text-underline-offset:3px;cursor:help}
& sup{color:var(--fin-dim);font-size:.75em;line-height:0}
& ul{margin:4px 0;padding-left:20px}
& li{margin:2px 0}
& .fin-beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 28px}
& .fin-strength h4{color:var(--fin-good)}
& .fin-attention h4{color:var(--fin-warn)}
& details{margin:6px 0}
& summary{cursor:pointer;font-weight:650;padding:3px 0}
& .fin-chart{max-width:560px;margin:12px 0 8px;color:var(--fin-dim);font-size:11px;line-height:1.3;
font-variant-numeric:tabular-nums}
& .fin-chart i{font-style:normal}
& .fin-chart [data-t]::after{content:attr(data-t)}
& .fin-key{display:flex;flex-wrap:wrap;gap:2px 16px}
& .fin-key i:last-child{margin-left:auto}
& .fin-key [class]::before{content:"";display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px;
border:5px solid var(--fin-hue);box-sizing:border-box}
& .fin-a{--fin-hue:var(--fin-a)}
& .fin-b{--fin-hue:var(--fin-b)}
& .fin-plot{position:relative;height:170px;margin:24px 0 26px}
& .fin-draw{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
& rect{fill:var(--fin-hue)}
& path{stroke:var(--fin-hue,var(--fin-line));vector-effect:non-scaling-stroke;stroke-linejoin:round;
stroke-linecap:round}
& .fin-plot i{position:absolute;text-align:center}
& .fin-plot .fin-x{top:100%;padding-top:6px;white-space:nowrap}
& .fin-bar::after{position:absolute;left:-50%;right:-50%;bottom:100%;padding-bottom:3px;text-align:center}
& .fin-below::after{bottom:auto;top:100%;padding:3px 0 0}
& .fin-lines .fin-plot{margin-left:34px}
& .fin-plot .fin-y{right:100%;padding-right:8px;transform:translateY(50%);text-align:right}
& .fin-plot .fin-hit{top:0;bottom:0}
& .fin-hit:hover{background:var(--fin-line);opacity:.4}
& .fin-said{margin-top:-2px}
& footer{margin-top:16px;padding-top:8px;border-top:1px solid var(--fin-line)}
@container (max-width:460px){& h2{font-size:1.25em}& .fin-companies .fin-company{padding:10px 12px}
& th,& td{padding:4px 7px}}
"""

CSS = _RULES.replace("& ", f"{_CARD} ").strip()

PAGE = """
:root{color-scheme:light dark}
body{max-width:1120px;margin:24px auto;padding:0 16px;background:#fff;color:#1b1f24;
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
h1{font-size:1.6em;font-weight:650}
.fin-asked{font-size:1.1em;font-weight:600;margin:28px 0 10px;padding:10px 14px;border-radius:10px;background:#eef3fa}
.fin-asked small{display:block;font-weight:400;font-size:.75em;opacity:.75}
@media (prefers-color-scheme:dark){body{background:#0b0e12;color:#e6e9ed}.fin-asked{background:#1a2330}}
""".strip()
"""The look of a whole page of answers; the cards on it have theirs."""
