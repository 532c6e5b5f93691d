// The page of a timeline: what is drawn, and how one moves in it. It asks nothing of any network.
namespace libraft::testkit {

extern const char* const kTimelinePage;
const char* const kTimelinePage = R"page(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>@title@</title>
<style>
body{margin:0;font:13px/1.4 system-ui,sans-serif;background:#fff;color:#222}
header{padding:8px 12px;border-bottom:1px solid #ddd}
h1{font-size:15px;margin:0 0 4px}
details{white-space:pre-wrap;font:12px ui-monospace,monospace;color:#555}
summary{font:13px system-ui,sans-serif}
label{margin-right:12px}
.key{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 4px 0 12px}
svg{display:block;width:100%;user-select:none;cursor:grab}
svg text{font:11px system-ui,sans-serif}
#tip{position:fixed;display:none;max-width:480px;padding:4px 8px;background:#222;color:#fff;border-radius:4px;
pointer-events:none;overflow-wrap:anywhere;z-index:2}
</style></head><body>
<header><h1>@title@</h1>
<label><input type="checkbox" id="showMessages"> messages</label>
<label><input type="checkbox" id="showOperations" checked> clients</label>
<label><input type="checkbox" id="showFaults" checked> faults</label>
<label><input type="checkbox" id="showCommits" checked> commits, snapshots</label>
<button id="whole">whole run</button>
wheel: zoom, drag: move<br>
<span id="keys"></span>
<details><summary>settings and plan</summary>@about@</details></header>
<svg id="chart"></svg><div id="tip"></div>
<script>
"use strict";
@data@
const colours={leader:"#2e8b57",follower:"#9db7d5",candidate:"#e8a33d","pre-candidate":"#f3d38b",starting:"#ddd",
failed:"#b22222"};
const ends={done:"#2e8b57",unknown:"#e8a33d",refused:"#b7b7b7"};
const marks={fault:"#b22222",commit:"#14532d",snapshot:"#6a3fb5",start:"#777"};
const left=70,top=26,row=46,bar=20,clientRow=12;
const svg=document.getElementById("chart"),tip=document.getElementById("tip");
const clients=operations.reduce((most,o)=>Math.max(most,o[0]),0);
let from=0,to=Math.max(end,1);
const shows=id=>document.getElementById(id).checked;
const width=()=>svg.clientWidth||1000;
const x=t=>left+(t-from)/(to-from)*(width()-left-10);
const y=n=>n===0?top:top+20+(n-1)*row;
const clean=s=>s.replace(/&/g,"&amp;").replace(/</g,"&lt;").replace(/"/g,"&quot;");
const seconds=t=>(t/1e6).toFixed(6)+" s";
function ticks(){
  const raw=(to-from)/8,base=Math.pow(10,Math.floor(Math.log10(raw)));
  const step=[1,2,5,10].map(f=>f*base).find(s=>s>=raw);
  let out="";
  for(let t=Math.ceil(from/step)*step;t<=to;t+=step){
    const digits=Math.max(0,6-Math.floor(Math.log10(step)));
    out+=`<line x1="${x(t)}" x2="${x(t)}" y1="14" y2="100%" stroke="#eee"/><text x="${x(t)+2}" y="11" fill="#777">`+
      `${(t/1e6).toFixed(Math.min(6,digits))} s</text>`;
  }
  return out;
}
function drawBars(){
  let out="";
  for(let n=1;n<=nodes;n++)out+=`<text x="6" y="${y(n)+14}">node ${n}</text>`+
    `<line x1="${left}" x2="100%" y1="${y(n)+bar/2}" y2="${y(n)+bar/2}" stroke="#ccc" stroke-dasharray="2 3"/>`;
  for(const [n,a,b,kind,term] of bars){
    if(b<from||a>to)continue;
    const begin=Math.max(x(a),left),w=Math.max(Math.min(x(b),width())-begin,0.5);
    out+=`<rect x="${begin}" y="${y(n)}" width="${w}" height="${bar}" fill="${colours[kind]||"#ddd"}" `+
      `data-tip="${clean(`node ${n}: ${kind} in term ${term}, ${seconds(a)} to ${seconds(b)}`)}"/>`;
    if(w>34)out+=`<text x="${begin+4}" y="${y(n)+14}" pointer-events="none">${term}</text>`;
  }
  return out;
}
function drawMessages(){
  if(!shows("showMessages"))return"";
  const seen=messages.filter(m=>m[3]>=from&&m[2]<=to);
  const every=Math.ceil(seen.length/4000);
  let out="";
  for(let i=0;i<seen.length;i+=every){
    const [a,b,s,r,text]=seen[i],down=a<b;
    out+=`<line x1="${x(s)}" y1="${y(a)+(down?bar:0)}" x2="${x(r)}" y2="${y(b)+(down?0:bar)}" stroke="#5577aa" `+
      `stroke-opacity="0.55" data-tip="${clean(`${a} to ${b}: ${text}, ${seconds(s)} to ${seconds(r)}`)}"/>`;
  }
  return out;
}
function drawEvents(){
  let out="";
  for(const [n,t,kind,text] of events){
    if(t<from||t>to||!(kind==="fault"?shows("showFaults"):shows("showCommits")))continue;
    const up=kind==="fault"?y(n)-9:y(n)+bar+2;
    out+=`<rect x="${x(t)-2}" y="${up}" width="4" height="${kind==="fault"?9:7}" fill="${marks[kind]||"#777"}" `+
      `data-tip="${clean(`${seconds(t)} ${n?"node "+n+": ":""}${text}`)}"/>`;
  }
  return out;
}
function drawOperations(){
  if(!shows("showOperations"))return"";
  const base=y(nodes+1)+6;
  let out=`<text x="6" y="${base+10}">clients</text>`;
  for(const [c,a,b,outcome,text] of operations){
    if(b<from||a>to)continue;
    const begin=Math.max(x(a),left);
    out+=`<rect x="${begin}" y="${base+(c-1)*clientRow}" width="${Math.max(Math.min(x(b),width())-begin,1.5)}" `+
      `height="${clientRow-3}" fill="${ends[outcome]}" data-tip="${clean(`${seconds(a)} to ${seconds(b)}, ${outcome}: ${text}`)}"/>`;
  }
  return out;
}
function draw(){
  svg.style.height=(y(nodes+1)+clients*clientRow+20)+"px";
  svg.innerHTML=ticks()+drawMessages()+drawBars()+drawEvents()+drawOperations();
}
let waiting=false;
function redraw(){if(!waiting){waiting=true;requestAnimationFrame(()=>{waiting=false;draw();});}}
function show(a,b){
  const span=Math.min(Math.max(b-a,50),Math.max(end,50));
  from=Math.min(Math.max(a,0),Math.max(end-span,0));to=from+span;redraw();
}
svg.addEventListener("wheel",e=>{
  e.preventDefault();
  const at=from+(e.offsetX-left)/(width()-left-10)*(to-from),by=e.deltaY<0?0.8:1.25;
  show(at-(at-from)*by,at-(at-from)*by+(to-from)*by);
},{passive:false});
let grabbed=null;
svg.addEventListener("mousedown",e=>{grabbed={x:e.clientX,from,to};});
addEventListener("mouseup",()=>{grabbed=null;});
addEventListener("mousemove",e=>{
  if(grabbed){
    const by=(grabbed.x-e.clientX)/(width()-left-10)*(grabbed.to-grabbed.from);
    show(grabbed.from+by,grabbed.to+by);
  }
  const text=e.target.dataset&&e.target.dataset.tip;
  tip.style.display=text?"block":"none";
  if(text){tip.textContent=text;tip.style.left=Math.min(e.clientX+12,innerWidth-300)+"px";tip.style.top=(e.clientY+14)+"px";}
});
for(const id of ["showMessages","showOperations","showFaults","showCommits"])
  document.getElementById(id).addEventListener("change",redraw);
document.getElementById("whole").addEventListener("click",()=>show(0,end));
addEventListener("resize",redraw);
document.getElementById("keys").innerHTML=[...Object.entries(colours),...Object.entries(ends),...Object.entries(marks)]
  .map(([name,colour])=>`<span class="key" style="background:${colour}"></span>${name}`).join("");
draw();
</script></body></html>
)page";

}  // namespace libraft::testkit
