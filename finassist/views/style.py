"""The look of an answer: one scoped style sheet, in the colours of the page around it.

JupyterLab sets `--jp-*` for its light and dark themes; without them the reader's own preference decides.
"""

from __future__ import annotations

CSS = """
.fa-answer{--fa-bg:var(--jp-layout-color0,#fff);--fa-soft:var(--jp-layout-color1,#f6f8fa);
--fa-ink:var(--jp-ui-font-color1,#1b1f24);--fa-dim:var(--jp-ui-font-color2,#59636e);
--fa-line:var(--jp-border-color2,#d7dce1);--fa-rule:var(--jp-border-color3,#e3e7eb);--fa-a:var(--jp-brand-color1,#1765cc);--fa-b:#12876f;--fa-warn:#9a6700;
--fa-good:#1a7f37;color:var(--fa-ink);background:var(--fa-bg);border:1px solid var(--fa-line);border-radius:10px;
padding:18px 22px;max-width:1120px;font:14px/1.5 var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif);overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){.fa-answer{--fa-bg:var(--jp-layout-color0,#0f1318);
--fa-soft:var(--jp-layout-color1,#171c23);--fa-ink:var(--jp-ui-font-color1,#e6e9ed);
--fa-dim:var(--jp-ui-font-color2,#9ba5b1);--fa-line:var(--jp-border-color2,#323a44);--fa-rule:var(--jp-border-color3,#2a313a);
--fa-a:var(--jp-brand-color1,#6aa9ff)}}
[data-jp-theme-light="false"] .fa-answer{--fa-b:#3fb99b;--fa-warn:#d8a02e;--fa-good:#4cc46b}
@media (prefers-color-scheme:dark){:root:not(:has([data-jp-theme-light="true"])) .fa-answer{--fa-b:#3fb99b;
--fa-warn:#d8a02e;--fa-good:#4cc46b}}
.fa-answer *{box-sizing:border-box}
.fa-answer h2{font-size:1.5em;line-height:1.25;margin:0 0 2px;font-weight:650}
.fa-answer h3{font-size:1.12em;margin:0 0 2px;font-weight:650}
.fa-answer h4{font-size:1em;margin:18px 0 6px;font-weight:650}
.fa-answer p{margin:6px 0}
.fa-answer .fa-dim{color:var(--fa-dim);font-size:.9em}
.fa-answer .fa-badge{color:var(--fa-warn);border:1px solid;border-radius:99px;padding:1px 9px;font-size:.8em}
.fa-answer .fa-flag{border-left:3px solid var(--fa-warn);padding:4px 12px;margin:10px 0;background:var(--fa-soft)}
.fa-answer .fa-companies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:16px}
.fa-answer .fa-company{min-width:0}
.fa-answer .fa-companies .fa-company{border:1px solid var(--fa-line);border-radius:8px;padding:14px 16px}
.fa-answer .fa-tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(148px,1fr));gap:10px;margin:12px 0}
.fa-answer .fa-tile{background:var(--fa-soft);border:1px solid var(--fa-line);border-radius:8px;padding:9px 12px}
.fa-answer .fa-tile b{display:block;font-size:1.22em;font-weight:650;font-variant-numeric:tabular-nums}
.fa-answer .fa-scroll{overflow-x:auto;margin:2px 0 8px}
.fa-answer table{border-collapse:collapse;width:100%;font-size:.93em;margin:0;border:0}
.fa-answer th,.fa-answer td{padding:4px 10px;border:0;border-bottom:1px solid var(--fa-rule);text-align:left;
vertical-align:top;background:none;color:inherit;white-space:normal;overflow-wrap:normal}
.fa-answer thead th{color:var(--fa-dim);font-weight:600;border-bottom-width:2px}
.fa-answer tbody th{font-weight:400}
.fa-answer .fa-n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.fa-answer .fa-none{color:var(--fa-dim);font-style:italic}
.fa-answer [title]{text-decoration:none}
.fa-answer tbody th[title]{text-decoration:underline dotted var(--fa-dim);text-underline-offset:3px;cursor:help}
.fa-answer tbody tr:hover{background:var(--fa-soft)}
.fa-answer sup{color:var(--fa-dim);font-size:.75em;line-height:0}
.fa-answer ul{margin:4px 0;padding-left:20px}
.fa-answer .fa-beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 28px}
.fa-answer .fa-narrow table{width:auto;min-width:min(100%,460px)}
.fa-answer .fa-strength h4{color:var(--fa-good)}
.fa-answer .fa-attention h4{color:var(--fa-warn)}
.fa-answer details{margin:6px 0}
.fa-answer summary{cursor:pointer;font-weight:650;padding:3px 0}
.fa-answer svg{display:block;width:100%;max-width:560px;height:auto;margin:6px 0}
.fa-answer svg text{fill:var(--fa-dim);font-size:11px;font-family:inherit;font-variant-numeric:tabular-nums}
.fa-answer .fa-bar-a{fill:var(--fa-a)}.fa-answer .fa-bar-b{fill:var(--fa-b)}
.fa-answer .fa-axis{stroke:var(--fa-line)}
.fa-answer footer{margin-top:16px;padding-top:8px;border-top:1px solid var(--fa-line)}
""".strip()
