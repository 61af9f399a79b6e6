// SPDX-License-Identifier: Apache-2.0
// The page's style sheet. Series colours follow Okabe and Ito's palette, which stays apart for
// colour-blind readers; better and worse are blue and orange for the same reason.
#include "lib/eval/report/html_text.hpp"

namespace pare::eval {

std::string_view style_sheet() {
  return R"css(
:root{--paper:#fff;--ink:#1d232b;--soft:#5d6773;--line:#dfe3e8;--panel:#f6f7f9;--accent:#0f62a8;--faint:#b4bbc4;
--better:#0b5f9e;--worse:#a84300;--better-rgb:0,114,178;--worse-rgb:213,94,0;
--s0:#6b7480;--s1:#0072b2;--s2:#d55e00;--s3:#00845f;--s4:#a8478a;--s5:#2b8fc7;--s6:#9a6b00;--s7:#4b4fa8}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6e9ed;--soft:#9aa5b1;--line:#2d343c;
--panel:#1b2027;--accent:#7db8ee;--faint:#4d5661;--better:#7cc4f5;--worse:#f5a468;--better-rgb:86,180,233;--worse-rgb:230,140,60;
--s0:#9aa5b1;--s1:#56b4e9;--s2:#f08a4b;--s3:#2fc596;--s4:#d98bc0;--s5:#8ccbf0;--s6:#e0ac3c;--s7:#9a9ef0}}
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.015em;margin:.1em 0 .5em;font-weight:650;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.3;margin:2.6em 0 .4em;font-weight:650}
h3{font-size:1rem;margin:1.4em 0 .3em;font-weight:650;overflow-wrap:anywhere}
p{margin:.4em 0;max-width:72ch}
.kicker,.meta,.note,figcaption{color:var(--soft);font-size:.9rem}
.kicker{margin:0;letter-spacing:.02em}
.meta{overflow-wrap:anywhere}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.headline{font-size:1.1rem;margin:1.1em 0 0;overflow-wrap:anywhere}
.badge{display:inline-block;border:1.5px solid currentColor;border-radius:5px;padding:0 .45em;font-weight:650;
font-size:.92em;white-space:nowrap}
.badge.pass{color:var(--better)}.badge.fail{color:var(--worse)}.badge.inconclusive{color:var(--soft)}
td.why{white-space:normal;min-width:220px;text-align:left}
.verdicts{list-style:none;margin:1.3em 0 0;padding:0}
.verdicts li{border-left:4px solid var(--c,var(--s0));padding:.1em 0 .1em 14px;margin:0 0 .8em;max-width:78ch}
.warnings{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 16px;margin:1.4em 0}
.warnings p{margin:.2em 0}
.scroll{overflow-x:auto;margin:.8em 0;-webkit-overflow-scrolling:touch;
background:linear-gradient(to right,transparent,var(--paper) 60%) right/44px 100% no-repeat local,
linear-gradient(to left,var(--line),transparent) right/14px 100% no-repeat scroll}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:4px}
table{border-collapse:collapse;width:100%;font-size:.93rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:.9rem;padding:0 0 6px}
th,td{padding:6px 0 6px 18px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line);vertical-align:top}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{font-weight:650;border-bottom:2px solid var(--line);white-space:normal;min-width:104px;vertical-align:bottom}
tbody th{font-weight:400;color:var(--soft);position:sticky;left:0;background:var(--paper)}
thead th:first-child{position:sticky;left:0;background:var(--paper);min-width:0}
tbody tr.strong td,tbody tr.strong th{font-weight:650;color:var(--ink)}
tbody tr.strong td{font-size:1.06rem}
tbody+tbody tr:first-child th,tbody+tbody tr:first-child td{border-top:14px solid var(--paper)}
.better{color:var(--better);font-weight:600}.worse{color:var(--worse);font-weight:600}.muted{color:var(--soft)}
.dot{display:inline-block;width:.62em;height:.62em;border-radius:50%;background:var(--c);margin-right:.45em}
.c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}
.c4{--c:var(--s4)}.c5{--c:var(--s5)}.c6{--c:var(--s6)}.c7{--c:var(--s7)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:28px 40px;margin-top:1em}
figure{margin:0;max-width:560px}
figcaption{margin-top:2px}
svg{display:block;width:100%;height:auto;overflow:visible;font-family:inherit}
svg text{fill:var(--ink);font-size:12px}
svg .tick,svg .axis-title{fill:var(--soft)}
svg .label{font-weight:600;paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
svg .grid{stroke:var(--line);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1}
svg .leader{stroke:var(--soft);stroke-width:.8}
svg .bar{stroke:var(--c);stroke-width:1.4;opacity:.75}
svg .mark{fill:var(--c);stroke:var(--paper);stroke-width:1.5}
svg .front{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:5 4}
svg .bar.dominated{stroke:var(--faint);opacity:1}
svg .mark.dominated{fill:var(--faint)}
svg .range{stroke:var(--c);stroke-width:2;opacity:.55}
svg .block{stroke:var(--c);stroke-width:1;opacity:.4}
.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}
.s4{--c:var(--s4)}.s5{--c:var(--s5)}.s6{--c:var(--s6)}.s7{--c:var(--s7)}
.matrices{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:20px 32px;margin-top:1em}
table.flips{width:auto;justify-self:start}
table.flips caption{color:var(--ink);font-weight:600}
.lost{background:rgba(var(--worse-rgb),.22)}.gained{background:rgba(var(--better-rgb),.22)}
.flips td.lost,.flips td.gained{padding-right:8px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
details{margin:.5em 0}
summary{cursor:pointer;color:var(--accent);font-size:.9rem}
.bars{list-style:none;margin:0;padding:0}
.layer{display:grid;grid-template-columns:minmax(90px,220px) 1fr;gap:2px 16px;padding:7px 0;border-bottom:1px solid var(--line)}
.layer>.name{overflow-wrap:anywhere;font-size:.93rem}
.track{display:grid;grid-template-columns:1fr 21em;gap:10px;align-items:center;font-size:.84rem;line-height:1.45;
font-variant-numeric:tabular-nums;color:var(--soft)}
.fill{display:block;height:9px;min-width:2px;border-radius:2px;background:var(--c);print-color-adjust:exact;-webkit-print-color-adjust:exact}
.stack{display:flex;height:16px;border-radius:3px;overflow:hidden;background:var(--panel)}
.stack span{display:block;height:100%;background:var(--c);print-color-adjust:exact;-webkit-print-color-adjust:exact}
.k0{--c:var(--s1)}.k1{--c:var(--s6)}.k2{--c:var(--s3)}.k3{--c:var(--s0)}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:.88rem;color:var(--soft);margin:.5em 0 1em}
.change{font-size:.86em}
td.heat{print-color-adjust:exact;-webkit-print-color-adjust:exact}
ol.history{margin:.2em 0 0;padding-left:1.4em}
ol.history li{margin:.3em 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:.6em 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:3em;color:var(--soft);font-size:.86rem}
@media (max-width:620px){main{padding:24px 16px 48px}h1{font-size:1.45rem}h2{margin-top:2em}
th,td{padding-left:12px}svg text{font-size:13.5px}svg .label{font-size:12px}
.layer{grid-template-columns:1fr}.track{grid-template-columns:1fr;gap:1px;margin-bottom:5px}
tbody th{min-width:96px;white-space:normal}thead th{min-width:92px}}
@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc;--panel:#f4f4f4;--accent:#000;--faint:#b4bbc4;
--better:#0b5f9e;--worse:#a84300;--better-rgb:0,114,178;--worse-rgb:213,94,0;
--s0:#6b7480;--s1:#0072b2;--s2:#d55e00;--s3:#00845f;--s4:#a8478a;--s5:#2b8fc7;--s6:#9a6b00;--s7:#4b4fa8}
html{color-scheme:light}body{font-size:10pt}main{max-width:none;padding:0}
.scroll{overflow:visible;background:none}svg,tr,.layer,.verdicts li,.warnings p,pre,.matrices>*{break-inside:avoid}
h2,h3,summary,caption,h2+.note,h2+.legend,h3+.legend{break-after:avoid}.figures{grid-template-columns:1fr 1fr;gap:16px 24px}
table{font-size:8.5pt}th,td{padding-left:8px}thead th{min-width:0}tbody th,thead th:first-child{position:static}
details::details-content{content-visibility:visible}summary{list-style:none;color:var(--soft)}
pre{white-space:pre-wrap;overflow-wrap:anywhere}}
)css";
}

}  // namespace pare::eval
