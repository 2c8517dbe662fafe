"""The look of the chat panel, in the colours of the page around it.

JupyterLab sets `--jp-*` for its themes; the fallbacks are for pages without them. Accents come in pairs of a
background and a text on it, each pair with a contrast of 4.5 and more in both themes.
"""

from __future__ import annotations

from typing import Final

_PANEL: Final = ".finassist-chat:not(#x)"

_COLOURS = """
.finassist-chat{--fc-bg:var(--jp-layout-color0,#fff);--fc-soft:var(--jp-layout-color1,#f6f8fa);
--fc-ink:var(--jp-ui-font-color0,#14181d);--fc-dim:#57606a;--fc-line:var(--jp-border-color2,#d7dce1);--fc-edge:#7d8590;
--fc-accent:#1558b0;--fc-on-accent:#fff;--fc-tint:#e8f0fb;--fc-tint-line:#bcd3f2;--fc-link:#1558b0;
--fc-bad:#b42318;--fc-on-bad:#fff;--fc-warn-bg:#fff6dd;--fc-warn-ink:#5c4300;--fc-warn-line:#d9a400;--fc-good:#1a7f37}
[data-jp-theme-light="false"] .finassist-chat{@DARK@}
@media (prefers-color-scheme:dark){:root:not(:has([data-jp-theme-light],.theme-light)) .finassist-chat{
--fc-bg:var(--jp-layout-color0,#0f1318);--fc-soft:var(--jp-layout-color1,#171c23);
--fc-ink:var(--jp-ui-font-color0,#eef1f4);--fc-line:var(--jp-border-color2,#3a424c);@DARK@}}
""".replace(
    "@DARK@",
    "--fc-dim:#a9b3be;--fc-edge:#8b949e;--fc-accent:#7db3ff;--fc-on-accent:#0b1420;--fc-tint:#1b2a3d;"
    "--fc-tint-line:#35506f;--fc-link:#8dbcff;--fc-bad:#ff8a80;--fc-on-bad:#2a0703;--fc-warn-bg:#332a10;"
    "--fc-warn-ink:#f3d98b;--fc-warn-line:#a97f14;--fc-good:#56d364",
)

_FRAME = """
&{color:var(--fc-ink);background:var(--fc-bg);border:1px solid var(--fc-line);border-radius:14px;width:100%;
max-width:900px;height:min(78vh,800px);min-height:420px;margin:4px 0;overflow:hidden;box-sizing:border-box;
font:14px/1.5 var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif);container-type:inline-size}
& *{box-sizing:border-box}
& .jupyter-widgets{margin:0;color:inherit;max-width:100%}
& .widget-vbox,& .widget-hbox{overflow:visible}
& .widget-html-content{font-size:inherit;line-height:inherit;color:inherit;padding:0;align-self:stretch;width:100%}
& .widget-html{height:auto;font-size:inherit;line-height:inherit}
& h3,& h4{margin:0;font-weight:650;line-height:1.35;color:inherit}
& h3{font-size:15px}
& h4{font-size:13px;margin-top:6px}
& .finassist-chat-dim{color:var(--fc-dim);font-size:13px}
&.jupyter-widgets-disconnected::before,& .jupyter-widgets-disconnected::before{display:none}
& .finassist-chat-head{align-items:center;gap:6px;padding:10px 14px;border-bottom:1px solid var(--fc-line);flex:none}
& .finassist-chat-title{flex:1 1 0;min-width:0;overflow:hidden}
& .finassist-chat-title b{font-weight:650}
& .finassist-chat-title div{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
& .finassist-chat-title span{color:var(--fc-dim);margin-left:8px}
& .finassist-chat-log{flex:1 1 auto;min-height:0;overflow-y:auto;overflow-x:hidden;padding:18px 18px 10px;gap:18px;
overscroll-behavior:contain;scrollbar-gutter:stable}
& .finassist-chat-log>*{flex:none}
& .finassist-chat-turns{gap:26px}
& .finassist-chat-notice{flex:none;padding:0 14px}
& .finassist-chat-notice:empty{display:none}
& .finassist-chat-notice p{margin:6px 0;padding:6px 12px;border-left:3px solid var(--fc-warn-line);border-radius:4px;
background:var(--fc-warn-bg);color:var(--fc-warn-ink);font-size:13px}
& .finassist-chat-foot{flex:none;padding:10px 14px 8px;border-top:1px solid var(--fc-line);background:var(--fc-bg)}
& .finassist-chat-foot>*{width:100%}
"""

_BUTTONS = """
& .finassist-chat-button{font:inherit;font-size:13px;line-height:1.35;width:auto;height:auto;min-height:30px;
padding:4px 11px;border:1px solid var(--fc-line);border-radius:8px;background:var(--fc-bg);color:var(--fc-ink);
box-shadow:none;white-space:normal;text-align:left;overflow:visible;text-overflow:clip;transition:background .12s}
& .finassist-chat-button:hover{background:var(--fc-soft);box-shadow:none;border-color:var(--fc-edge)}
& .finassist-chat-button:disabled{opacity:1;color:var(--fc-dim);cursor:not-allowed}
& .finassist-chat-button i{margin-right:6px;color:var(--fc-dim)}
& .finassist-chat-button:focus:not(:focus-visible){outline:none;box-shadow:none}
& :focus-visible{outline:2px solid var(--fc-link);outline-offset:1px}
& .finassist-chat-tool{border-color:transparent;white-space:nowrap}
& .finassist-chat-tool.finassist-chat-open{background:var(--fc-tint);border-color:var(--fc-tint-line)}
& .finassist-chat-primary{background:var(--fc-accent);border-color:var(--fc-accent);color:var(--fc-on-accent)}
& .finassist-chat-primary:hover{background:var(--fc-accent);border-color:var(--fc-accent);filter:brightness(1.08)}
& .finassist-chat-primary i{color:inherit}
& .finassist-chat-danger{background:var(--fc-bad);border-color:var(--fc-bad);color:var(--fc-on-bad)}
& .finassist-chat-danger:hover{background:var(--fc-bad);filter:brightness(1.08)}
& .finassist-chat-quiet{border-color:transparent;background:transparent;color:var(--fc-link)}
& .finassist-chat-icon{border-color:transparent;min-width:30px;padding:4px 8px;text-align:center;flex:none}
& .finassist-chat-icon i{margin:0}
& .finassist-chat-chip{border-radius:99px;background:var(--fc-soft);padding:2px 12px;min-height:28px}
& .finassist-chat-chip.finassist-chat-open{background:var(--fc-tint);border-color:var(--fc-tint-line)}
& .finassist-chat-chip-open{border-style:dashed;border-color:var(--fc-warn-line);background:var(--fc-warn-bg);
color:var(--fc-warn-ink)}
& .finassist-chat-follow-up{border-color:var(--fc-tint-line);color:var(--fc-link);background:transparent;
border-radius:99px}
& .finassist-chat-follow-up:hover,& .finassist-chat-option:hover{background:var(--fc-tint);
border-color:var(--fc-tint-line)}
& .finassist-chat-chips,& .finassist-chat-follow-ups,& .finassist-chat-options{flex-wrap:wrap;gap:6px}
"""

_TURNS = """
& .finassist-chat-turn{gap:10px}
& .finassist-chat-question{align-self:flex-end;width:auto;max-width:82%}
& .finassist-chat-question .widget-html-content>div{background:var(--fc-tint);border:1px solid var(--fc-tint-line);
border-radius:14px 14px 4px 14px;padding:8px 14px;white-space:pre-wrap;overflow-wrap:anywhere;max-height:40vh;
overflow-y:auto}
& .finassist-chat-answer,& .finassist-chat-answer>*{width:100%;min-width:0}
& .finassist-live{width:100%;overflow:hidden}
& .finassist-live .finassist-question{display:none}
& .finassist-chat-failed .finassist-ending{display:none}
& .finassist-chat-turn .fin-answer{padding:14px 16px;max-width:none}
& .finassist-chat-card>.widget-html-content{min-width:0;overflow-wrap:anywhere}
& .finassist-chat-quiet-view{gap:6px}
& .finassist-chat-working{color:var(--fc-dim);font-style:italic}
& .finassist-chat-below{gap:8px}
& .finassist-chat-companies{gap:8px}
& .finassist-chat-chooser{gap:8px;padding:10px 12px;border:1px solid var(--fc-tint-line);border-radius:10px;
background:var(--fc-soft)}
& .finassist-chat-failure p{margin:0;padding:8px 14px;border-left:3px solid var(--fc-bad);border-radius:4px;
background:var(--fc-soft);overflow-wrap:anywhere}
& .finassist-chat-welcome{gap:12px;padding:12px 0}
& .finassist-chat-welcome h2{font-size:20px;font-weight:650;margin:0 0 4px;color:inherit}
& .finassist-chat-welcome p{margin:0;color:var(--fc-dim)}
"""

_DRAWERS = """
& .finassist-chat-drawer{flex:none;gap:10px;padding:12px 16px 14px;max-height:72%;overflow:hidden auto;
position:relative;z-index:1;border-bottom:1px solid var(--fc-line);background:var(--fc-soft)}
& .finassist-chat-drawer p{margin:2px 0 0;color:var(--fc-dim);font-size:13px;line-height:1.4}
& .finassist-chat-sessions{gap:2px}
& .finassist-chat-session{padding:6px 8px;border-radius:8px;border:1px solid transparent}
& .finassist-chat-session-current{background:var(--fc-tint);border-color:var(--fc-tint-line)}
& .finassist-chat-session-head{align-items:center;gap:2px}
& .finassist-chat-session-head .finassist-chat-button{background:transparent}
& .finassist-chat-session-name{flex:1 1 0;min-width:0;border-color:transparent;font-weight:600;padding:2px 6px;
overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-decoration:none}
& .finassist-chat-session-name:hover{text-decoration:underline}
& .finassist-chat-session-about{color:var(--fc-dim);font-size:12.5px;padding:0 7px;line-height:1.4}
& .finassist-chat-session-below{padding:4px 6px}
& .finassist-chat-search-line{align-items:center;flex-wrap:wrap;gap:8px}
& .finassist-chat-field{height:auto;width:100%;max-width:560px;align-items:center}
& .finassist-chat-search{width:auto;flex:1 1 220px;max-width:380px}
& .finassist-chat-field .widget-label{width:72px;flex:none;text-align:left;color:inherit;font-size:13px}
& .finassist-chat-field input,& .finassist-chat-field select{font:inherit;font-size:13px;height:32px;padding:3px 10px;
border:1px solid var(--fc-edge);border-radius:7px;background:var(--fc-bg);color:var(--fc-ink);min-width:0}
& .finassist-chat-field select{background-image:none;appearance:auto;padding-right:4px}
& .finassist-chat-field input::placeholder{color:var(--fc-dim);opacity:1}
& .finassist-chat-fields{gap:6px}
& .finassist-chat-switches{gap:4px 22px;flex-wrap:wrap}
& .finassist-chat-switch{width:auto;height:auto;font-size:13px}
& .finassist-chat-switch .widget-label-basic{display:flex;align-items:center;gap:7px;color:inherit;font-size:13px}
& .finassist-keys{display:grid;gap:6px}
& .finassist-keys-line{display:grid;grid-template-columns:172px minmax(120px,220px) 1fr auto;gap:4px 10px;
align-items:center;font-size:13px}
& .finassist-keys-input{font:inherit;height:30px;padding:3px 10px;border:1px solid var(--fc-edge);border-radius:7px;
background:var(--fc-bg);color:var(--fc-ink);min-width:0;width:100%}
& .finassist-keys-input::placeholder{color:var(--fc-dim);opacity:1}
& .finassist-keys-state{color:var(--fc-dim);overflow-wrap:anywhere}
& .finassist-keys-set{color:var(--fc-good)}
& .finassist-keys-set::before{content:"✓ "}
& .finassist-keys-forget{font:inherit;font-size:12.5px;border:0;background:none;color:var(--fc-link);cursor:pointer;
text-decoration:underline;padding:2px 4px}
"""

_COMPOSER = """
& .finassist-composer-form{position:relative;margin:0}
& .finassist-composer-label{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
& .finassist-composer-field{display:flex;align-items:flex-end;gap:8px;border:1px solid var(--fc-edge);
border-radius:12px;padding:5px 6px 5px 12px;background:var(--fc-bg)}
& .finassist-composer-field:focus-within{border-color:var(--fc-link);box-shadow:0 0 0 1px var(--fc-link)}
& .finassist-composer-text{flex:1;min-width:0;resize:none;border:0;outline:0;background:none;color:inherit;font:inherit;
line-height:1.45;padding:5px 0;max-height:180px}
& .finassist-composer-text:focus-visible{outline:0}
& .finassist-composer-text::placeholder{color:var(--fc-dim);opacity:1;white-space:nowrap;overflow:hidden;
text-overflow:ellipsis}
& .finassist-composer-send,& .finassist-composer-stop{font:inherit;font-weight:600;font-size:13px;border-radius:9px;
padding:6px 15px;cursor:pointer;border:1px solid var(--fc-accent);background:var(--fc-accent);
color:var(--fc-on-accent);flex:none}
& .finassist-composer-stop{background:var(--fc-bg);color:var(--fc-bad);border-color:var(--fc-bad)}
& .finassist-composer-stop[hidden]{display:none}
& .finassist-busy .finassist-composer-send{background:var(--fc-soft);border-color:var(--fc-line);color:var(--fc-dim)}
& .finassist-composer-hint{color:var(--fc-dim);font-size:12px;padding:3px 4px 0}
& .finassist-composer-word{color:var(--fc-warn-ink);background:var(--fc-warn-bg);border-radius:4px;font-size:13px;
padding:4px 10px;margin-top:4px;border-left:3px solid var(--fc-warn-line)}
& .finassist-composer-file{color:inherit;text-decoration:underline;overflow-wrap:anywhere}
& .finassist-composer-word:empty{display:none}
& .finassist-composer-list{position:absolute;left:0;right:0;bottom:100%;z-index:5;margin:0 0 6px;padding:4px;
list-style:none;max-width:460px;max-height:250px;overflow-y:auto;background:var(--fc-bg);
border:1px solid var(--fc-edge);
border-radius:10px;box-shadow:0 6px 24px rgba(0,0,0,.22)}
& .finassist-composer-list[hidden]{display:none}
& .finassist-composer-option{display:flex;gap:10px;align-items:baseline;padding:5px 10px;border-radius:7px;
cursor:pointer;margin:0}
& .finassist-composer-option b{flex:0 0 62px;font-weight:650}
& .finassist-composer-option span{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
& .finassist-composer-option i{font-style:normal;color:var(--fc-dim);font-size:12px}
& .finassist-composer-option:hover{background:var(--fc-soft)}
& .finassist-composer-option[aria-selected="true"]{background:var(--fc-tint);outline:1px solid var(--fc-tint-line)}
"""

_NARROW = """
@container (max-width:560px){& .finassist-chat-tool{font-size:0;padding:4px 9px}& .finassist-chat-tool i{font-size:14px;
margin:0}&.jupyter-widgets-disconnected::before,& .jupyter-widgets-disconnected::before{display:none}
& .finassist-chat-head{padding:8px 10px;gap:0}& .finassist-chat-log{padding:12px 10px 8px}
& .finassist-chat-title span{display:none}& .finassist-chat-question{max-width:94%}
& .finassist-composer-hint{display:none}& .finassist-chat-foot{padding:8px}
& .finassist-keys-line{grid-template-columns:1fr auto}& .finassist-keys-label,& .finassist-keys-state{grid-column:1/-1}}
@media (prefers-reduced-motion:reduce){& *{transition:none!important}}
"""

_RULES = "".join((_FRAME, _BUTTONS, _TURNS, _DRAWERS, _COMPOSER, _NARROW))

CSS: Final = (_COLOURS + _RULES.replace("&", _PANEL)).strip()
"""The style sheet of the whole panel; the composer brings it along."""
