// The page's own style sheet. One column, one typeface, colour only where it means something.
import { chartStyle, fonts, variables } from './palette.ts'

export const style = `
:root{color-scheme:light dark;${variables(false)}}
@media (prefers-color-scheme:dark){:root{${variables(true)}}}
${chartStyle}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 ${fonts};font-variant-numeric:tabular-nums}
main,header.page,footer{max-width:1008px;margin:0 auto;padding:0 24px}
a{color:var(--turno);text-underline-offset:3px}
:focus-visible{outline:2px solid var(--turno);outline-offset:3px;border-radius:2px}
h1,h2,h3{line-height:1.2;letter-spacing:-.012em;margin:0;text-wrap:balance}
h1{font-size:15px;font-weight:700;letter-spacing:0}
h2{font-size:26px}
h3{font-size:18px}
p{margin:0;max-width:68ch}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.muted,.note{color:var(--muted)}
.note{font-size:14px;margin-top:12px}
header.page{padding-top:40px}
.meta{color:var(--muted);font-size:14px;margin-top:4px;max-width:none}
.sample{border:1.5px dashed var(--invalid);color:var(--invalid);padding:10px 14px;margin:20px 0 0;font-weight:700;border-radius:4px}
.overall{display:grid;grid-template-columns:auto 1fr;gap:0 16px;align-items:center;margin-top:36px}
.overall .mark{width:44px;height:44px}
.overall strong{font-size:clamp(34px,6vw,54px);line-height:1.05;letter-spacing:-.025em}
.overall p{grid-column:1/-1;font-size:18px;margin-top:12px}
.overall.pass strong{color:var(--pass)}.overall.broken strong{color:var(--broken)}.overall.invalid strong{color:var(--invalid)}.overall.not-run strong{color:var(--muted)}
nav{margin-top:28px;padding:12px 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);font-size:14px}
nav ul{display:flex;flex-wrap:wrap;gap:6px 22px;list-style:none;margin:0;padding:0}
nav a{color:var(--ink);text-decoration:none;display:inline-block;padding:4px 0}
nav a:hover{text-decoration:underline}
section{padding-top:64px}
section>h2+p{margin-top:10px;font-size:17px;color:var(--muted)}
figure{margin:28px 0 0}
figcaption p{color:var(--muted);font-size:14.5px;margin-top:6px}
figure>svg{display:block;width:100%;height:auto;margin-top:20px;overflow:visible;font-family:${fonts}}
.narrow{display:none!important}
section>h3{margin-top:36px}
details{margin-top:16px;border-top:1px solid var(--rule)}
summary{cursor:pointer;font-size:14px;color:var(--muted);padding:10px 0}
summary:hover{color:var(--ink)}
details.more>summary{font-size:16px;color:var(--ink);font-weight:700}
.scroll{overflow-x:auto;margin-top:12px}
table{border-collapse:collapse;font-size:14px;line-height:1.4;width:100%}
th,td{padding:8px 14px 8px 0;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top;font-weight:400}
thead th{color:var(--muted);font-size:12.5px;vertical-align:bottom;min-width:74px}
th[scope=row],thead th:first-child{text-align:left;min-width:130px}
.scroll th:first-child{position:sticky;left:0;background:var(--paper)}
td{white-space:nowrap}
.gates{margin-top:20px}
.gates th,.gates td{padding:10px 20px 10px 0;text-align:left;vertical-align:baseline}
.gates thead th{padding:0 20px 8px 0;min-width:0}
.gates thead th:nth-child(3),.gates thead th:nth-child(4),.gates thead th:nth-child(6),.gates .value,.gates .bound,.gates .samples{text-align:right}
.gates thead th:last-child,.gates .samples{padding-right:0}
.gates th[scope=row]{font-size:15px;width:40%}
.gates .id{display:block;color:var(--muted);font-size:12.5px;margin-top:2px}
.gates .because{display:block;font-size:13.5px;margin-top:4px;color:var(--invalid)}
.gates .broken .because{color:var(--broken)}
.gates .outcome{width:104px}
.mark{vertical-align:-3.5px;margin-right:4px}
.pass .outcome b{color:var(--pass)}.broken .outcome b{color:var(--broken)}.invalid .outcome b{color:var(--invalid)}.not-run .outcome b{color:var(--muted);font-weight:400}
.gates .value{font-weight:700}
.gates .invalid .value,.gates .not-run .value{font-weight:400;color:var(--muted)}
.gates .bound,.gates .samples,.gates .margin span{color:var(--muted)}
.gates .invalid>*{background:repeating-linear-gradient(135deg,transparent 0 7px,color-mix(in srgb,var(--invalid) 9%,transparent) 7px 8px)}
.bar{display:block;margin-top:2px;max-width:100%}
.margin span{font-size:12.5px}
.facts{margin:20px 0 0;display:grid;grid-template-columns:1fr 1fr;gap:0 40px}
.facts div{display:grid;grid-template-columns:110px 1fr;gap:12px;padding:8px 0;border-bottom:1px solid var(--rule);font-size:14.5px}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
section ul{padding-left:20px;margin:16px 0 0;max-width:72ch}
section li{margin-top:8px}
nav li{margin:0}
footer{padding-top:64px;padding-bottom:64px;color:var(--muted);font-size:14px}
#hint{position:fixed;z-index:9;pointer-events:none;white-space:pre;background:var(--ink);color:var(--paper);font-size:12.5px;line-height:1.5;padding:8px 11px;border-radius:4px;max-width:calc(100vw - 16px);overflow:hidden}
@media (max-width:760px){
main,header.page,footer{padding-left:16px;padding-right:16px}
header.page{padding-top:24px}
section{padding-top:48px}
h2{font-size:22px}
.wide{display:none!important}
.narrow{display:block!important;max-width:520px}
.facts{grid-template-columns:1fr}
.facts div{grid-template-columns:96px 1fr}
.gates,.gates tbody{display:block}
.gates thead{display:none}
.gates tr{display:grid;grid-template-columns:1fr 1fr;gap:4px 16px;padding:16px 0;border-bottom:1px solid var(--rule)}
.gates td,.gates th[scope=row]{padding:0;border:0;width:auto;text-align:left!important;background:none!important}
.gates .outcome,.gates th[scope=row]{grid-column:1/-1}
.gates .invalid{background:repeating-linear-gradient(135deg,transparent 0 7px,color-mix(in srgb,var(--invalid) 9%,transparent) 7px 8px)}
.gates td:not(.outcome)::before{display:block;color:var(--muted);font-size:12.5px;font-weight:400}
.gates .bar,.gates+.note{display:none}
.gates .value::before{content:"measured"}.gates .bound::before{content:"asked"}.gates .margin::before{content:"margin"}.gates .samples::before{content:"counted"}
}
@media print{nav,#hint{display:none}section{break-inside:avoid}}
`

/** Makes the browser's hint, which comes late and small, one that comes at once. The page can be read without it. */
export const script = `
const hint=document.createElement('div');hint.id='hint';hint.hidden=true;hint.setAttribute('aria-hidden','true');document.body.append(hint);
const says=new WeakMap();
document.addEventListener('pointermove',(event)=>{
const band=event.target.closest&&event.target.closest('.band');
if(!band){hint.hidden=true;return}
if(!says.has(band)){const title=band.querySelector('title');says.set(band,title.textContent);title.remove()}
hint.textContent=says.get(band);hint.hidden=false;
const {width,height}=hint.getBoundingClientRect();
hint.style.left=Math.max(8,Math.min(innerWidth-width-8,event.clientX+16))+'px';
hint.style.top=Math.max(8,Math.min(innerHeight-height-8,event.clientY+16))+'px'});
document.addEventListener('pointerleave',()=>{hint.hidden=true});
addEventListener('scroll',()=>{hint.hidden=true},{passive:true});
`
