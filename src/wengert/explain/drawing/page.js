'use strict';
// The page of a drawing: places boxes as `placing.py` does, whichever are open, and steps through the sweeps.
const data = JSON.parse(document.getElementById('data').textContent);
const {cards, boxes, links, sizes} = data;
const byId = id => document.getElementById(id);
const stage = byId('stage'), view = byId('view');
const opened = new Set(data.open);
const parent = new Map();
for (const [id, box] of Object.entries(boxes))
  for (const child of box.children) parent.set(child, Number(id));

// Places ---------------------------------------------------------------------------------------------------------

// The numbers in ascending order that are nearest to wanted ones in weighted least squares.
function isotonic(wanted, weights) {
  const pools = [];
  wanted.forEach((value, i) => {
    pools.push([value, weights[i], 1]);
    while (pools.length > 1 && pools[pools.length - 2][0] > pools[pools.length - 1][0]) {
      const [mean, w, n] = pools.pop(), last = pools[pools.length - 1];
      last[0] = (last[0] * last[1] + mean * w) / (last[1] + w);
      last[1] += w;
      last[2] += n;
    }
  });
  return pools.flatMap(([mean, , n]) => Array(n).fill(mean));
}

class Placing {
  constructor(id, layouts) {
    this.id = id;
    this.box = boxes[id];
    this.layouts = layouts;
    const {slots, rows, segments} = this.box.level;
    this.slots = slots;
    this.rows = rows;
    this.segments = segments.map(([upper, lower, value, link]) => ({upper, lower, value, link}));
    this.into = slots.map(() => []);
    this.outOf = slots.map(() => []);
    for (const s of this.segments) {
      this.into[s.lower].push(s);
      this.outOf[s.upper].push(s);
    }
    this.users = new Map();
    for (const s of this.segments)
      if (slots[s.lower][0] !== 'bend') this.users.set(s.value, (this.users.get(s.value) || 0) + 1);
    this.index = [];
    rows.forEach(row => row.forEach((slot, k) => { this.index[slot] = k; }));
    const before = (s, t) => this.index[s.upper] - this.index[t.upper] || s.value - t.value || s.link - t.link;
    this.into.forEach(segments => segments.sort(before));
    this.size = slots.map((_, i) => this.sizeOf(i));
    this.setEnds();
    this.setStarts();
    this.x = slots.map(() => 0);
  }

  inner(slot) {
    const [kind, ref] = this.slots[slot];
    return kind === 'box' ? this.layouts.get(ref) : undefined;
  }

  sizeOf(slot) {
    const [kind, ref] = this.slots[slot], inner = this.inner(slot);
    if (inner) return [inner.width, inner.height];
    if (kind === 'box') return boxes[ref].size;
    if (kind !== 'card') return [2, 0];
    const [w, h] = cards[ref].size;
    return [Math.max(w, this.rooms(slot).reduce((a, b) => a + b, 8)), h];
  }

  label(s) { return s.link >= 0 ? links[s.link].width : 0; }

  shown(s) { return this.label(s) > 0 && this.into[s.lower].length <= sizes.labels; }

  rooms(slot) { return this.into[slot].map(s => this.shown(s) ? this.label(s) + 10 : 14); }

  setEnds() {
    this.slots.forEach(([kind], slot) => {
      const inner = this.inner(slot), segments = this.into[slot];
      if (inner) {
        for (const s of segments) s.end = inner.ins.get(s.value) - inner.width / 2;
        return;
      }
      const rooms = kind === 'card' ? this.rooms(slot) : segments.map(() => 18);
      const sum = rooms.reduce((a, b) => a + b, 0);
      const scale = kind === 'box' ? Math.min(1, (this.size[slot][0] - 8) / Math.max(sum, 1)) : 1;
      let at = -sum / 2 * scale;
      segments.forEach((s, k) => {
        s.end = at + rooms[k] * scale / 2;
        at += rooms[k] * scale;
      });
    });
  }

  setStarts() {
    this.slots.forEach(([kind], slot) => {
      const inner = this.inner(slot), segments = this.outOf[slot];
      for (const s of segments) s.start = inner ? inner.outs.get(s.value) - inner.width / 2 : 0;
      if (inner || kind !== 'box') return;
      const below = new Map();
      for (const s of segments) below.set(s.value, [...below.get(s.value) || [], this.index[s.lower]]);
      const mean = v => below.get(v).reduce((a, b) => a + b, 0) / below.get(v).length;
      const values = [...below.keys()].sort((a, b) => mean(a) - mean(b) || a - b);
      const step = Math.min(24, (this.size[slot][0] - 16) / Math.max(values.length, 1));
      for (const s of segments) s.start = (values.indexOf(s.value) - (values.length - 1) / 2) * step;
    });
  }

  apart(left, right) {
    const solid = [left, right].some(i => ['card', 'box'].includes(this.slots[i][0]));
    return (this.size[left][0] + this.size[right][0]) / 2 + (solid ? sizes.beside : 14);
  }

  weight(s) {
    if (!this.into[s.upper].length && this.outOf[s.upper].length === 1) return 0.01;
    if ([s.upper, s.lower].every(i => this.slots[i][0] === 'bend')) return 6;
    return this.users.get(s.value) === 1 ? 2 : 0.5;
  }

  pull(s) { return this.inner(s.lower) ? s.end : 0; }

  move(row, up, down) {
    const wanted = [], weights = [];
    for (const slot of row) {
      let total = 0, weight = 0;
      if (up) for (const s of this.into[slot]) {
        const w = this.weight(s);
        total += w * (this.x[s.upper] + s.start - this.pull(s));
        weight += w;
      }
      if (down) for (const s of this.outOf[slot]) {
        const w = this.weight(s);
        total += w * (this.x[s.lower] + this.pull(s) - s.start);
        weight += w;
      }
      wanted.push(weight ? total / weight : this.x[slot]);
      weights.push(weight || 0.01);
    }
    const offsets = [0];
    for (let k = 1; k < row.length; k++) offsets.push(offsets[k - 1] + this.apart(row[k - 1], row[k]));
    isotonic(wanted.map((w, k) => w - offsets[k]), weights).forEach((at, k) => { this.x[row[k]] = at + offsets[k]; });
  }

  layout() {
    for (const row of this.rows) {
      let at = 0;
      row.forEach((slot, k) => {
        at += k ? this.apart(row[k - 1], slot) : 0;
        this.x[slot] = at;
      });
    }
    const up = [...this.rows].reverse();
    const sweeps = Math.max(3, Math.min(14, Math.floor(150000 / (this.segments.length + 1))));
    for (let k = 0; k < sweeps; k++) {
      this.rows.forEach(row => this.move(row, true, false));
      up.forEach(row => this.move(row, false, true));
    }
    [...this.rows, ...up].forEach(row => this.move(row, true, true));
    return this.gathered();
  }

  gathered() {
    let left = Infinity, right = -Infinity;
    this.x.forEach((x, i) => {
      left = Math.min(left, x - this.size[i][0] / 2);
      right = Math.max(right, x + this.size[i][0] / 2);
    });
    const root = this.id === data.root;
    const inner = (this.x.length ? right - left : 0) + 2 * sizes.inset;
    const made = {width: root ? inner : Math.max(inner, this.box.header), items: [], lines: [], ins: new Map(), outs: new Map()};
    const shift = made.width / 2 - (this.x.length ? (left + right) / 2 : 0);
    this.x = this.x.map((x, i) => this.slots[i][0] === 'out' && !this.into[i].length ? made.width / 2 : x + shift);
    const tops = [], heights = [];
    let at = root ? 0 : sizes.strip;
    this.rows.forEach((row, k) => {
      at += this.gap(k);
      tops.push(at);
      heights.push(Math.max(0, ...row.map(i => this.size[i][1])));
      at += heights[k];
    });
    made.height = at + (this.slots.some(([kind]) => kind === 'out') ? 0 : sizes.inset);
    this.setItems(made, tops);
    this.setLines(made, tops, heights);
    return made;
  }

  gap(k) {
    const kinds = row => new Set(row.map(i => this.slots[i][0]));
    const row = this.rows[k], here = kinds(row);
    const labels = row.some(i => this.into[i].some(s => this.shown(s))) ? sizes.room : 0;
    if (!k) return here.has('in') ? 0 : sizes.inset;
    const above = kinds(this.rows[k - 1]);
    const only = (set, kind) => set.size === 1 && set.has(kind);
    if (only(above, 'in') || only(here, 'out')) return sizes.portGap + labels;
    let span = 0;
    for (const i of row)
      for (const s of this.into[i]) span = Math.max(span, Math.abs(this.x[s.upper] + s.start - this.x[i] - s.end));
    return sizes.rowGap + labels + Math.min(48, span / 14);
  }

  setItems(made, tops) {
    this.rows.forEach((row, k) => row.forEach(slot => {
      const [kind, ref] = this.slots[slot], [w, h] = this.size[slot];
      if (kind === 'in') made.ins.set(ref, this.x[slot]);
      else if (kind === 'out') made.outs.set(ref, this.x[slot]);
      else if (kind !== 'bend') made.items.push({kind, ref, x: this.x[slot] - w / 2, y: tops[k], w, h});
    }));
  }

  setLines(made, tops, heights) {
    const rowOf = [];
    this.rows.forEach((row, k) => row.forEach(slot => { rowOf[slot] = k; }));
    for (const s of this.segments) {
      const k = rowOf[s.upper], kind = this.slots[s.lower][0], bottom = tops[k + 1];
      const labels = this.rows[k + 1].some(i => this.into[i].some(t => this.shown(t))) ? sizes.room : 0;
      const arrow = kind === 'card' || kind === 'box';
      made.lines.push({
        x: this.x[s.upper] + s.start, top: tops[k] + (this.slots[s.upper][0] === 'bend' ? 0 : this.size[s.upper][1]),
        turn: tops[k] + heights[k], end: this.x[s.lower] + s.end, back: bottom - labels - (arrow ? 8 : 0), bottom,
        arrow, shown: this.shown(s), ...{value: s.value, link: s.link},
      });
    }
  }
}

// Shapes ---------------------------------------------------------------------------------------------------------

const escaped = text => String(text).replace(/[&<>"]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);
const n1 = x => Math.round(x * 10) / 10;
let size = [1, 1];

function layouts() {
  const found = new Map();
  const inside = [data.root];
  for (const id of inside)
    for (const child of boxes[id].children) if (boxes[child] && opened.has(child)) inside.push(child);
  for (const id of inside.reverse()) found.set(id, new Placing(id, found).layout());
  return found;
}

function draw() {
  const found = layouts(), frames = [], lines = [], items = [], labels = [];
  const pending = [[data.root, 0, 0]];
  while (pending.length) {
    const [id, x, y] = pending.pop(), made = found.get(id);
    const around = id === data.root ? '' : boxes[id].kind;
    for (const line of made.lines) drawLine(line, x, y, around, lines, labels);
    for (const item of made.items) {
      const at = `transform="translate(${n1(x + item.x)} ${n1(y + item.y)})"`;
      const thing = item.kind === 'box' ? boxes[item.ref] : cards[item.ref];
      if (item.kind === 'box' && found.has(item.ref)) {
        frames.push(`<rect class="box ${thing.kind}" x="${n1(x + item.x)}" y="${n1(y + item.y)}" width="${n1(item.w)}" height="${n1(item.h)}" rx="7"/>`);
        items.push(`<g class="item strip" data-id="${item.ref}" tabindex="0" role="button" aria-expanded="true" aria-label="${escaped(thing.title)}" ${at}>${stripOf(thing, item.w)}</g>`);
        pending.push([item.ref, x + item.x, y + item.y]);
      } else {
        const expanded = item.kind === 'box' ? ' aria-expanded="false"' : '';
        items.push(`<g class="item" data-id="${item.ref}" tabindex="0" role="button"${expanded} aria-label="${escaped(thing.spoken)}" ${at}>${widened(thing, item.w)}</g>`);
      }
    }
  }
  const root = found.get(data.root);
  size = [root.width, root.height];
  stage.innerHTML = frames.join('') + lines.join('') + labels.join('') + items.join('');
  mark();
}

// Cards are drawn at their own width; one that many lines enter is wider, its text stays in the middle.
function widened(thing, w) {
  const more = w - thing.size[0];
  if (more < 0.05) return thing.shapes;
  return thing.shapes.replace(/<rect x="0" y="0" width="[\d.]+"/, `<rect x="0" y="0" width="${n1(w)}"`)
    .replace(/<text x="([\d.]+)"/g, (_, x) => `<text x="${n1(Number(x) + more / 2)}"`);
}

function stripOf(box, w) {
  return `<rect class="header ${box.kind}" width="${n1(w)}" height="${sizes.strip}" rx="7"/>` +
    `<text class="title" x="10" y="17.5" font-size="13">${escaped(box.title)}</text>` +
    `<text class="note" x="${n1(w - 10)}" y="17.5" font-size="12" text-anchor="end">${escaped(box.source)}</text>`;
}

function drawLine(line, x, y, around, lines, labels) {
  const link = line.link >= 0 ? links[line.link] : null;
  const live = (link ? link.active : data.live.includes(line.value)) ? ' active' : '';
  const from = n1(line.x + x), to = n1(line.end + x), turn = n1(line.turn + y), back = n1(line.back + y), end = n1(line.bottom + y);
  const middle = n1((turn + back) / 2);
  lines.push(`<path class="line${live}" data-value="${line.value}" data-link="${line.link}" d="M${from} ${n1(line.top + y)}V${turn}C${from} ${middle} ${to} ${middle} ${to} ${back}V${end}"/>`);
  if (line.arrow) lines.push(`<path class="tip${live}" d="M${n1(to - 3.5)} ${n1(end - 7)}L${n1(to + 3.5)} ${n1(end - 7)}L${to} ${end}Z"/>`);
  if (!link || !line.arrow || !line.shown) return;
  const w = link.width + 4, at = line.bottom + y - 10;
  labels.push(`<rect class="halo ${around}" x="${n1(to - w / 2)}" y="${n1(at - 12)}" width="${n1(w)}" height="15" rx="2"/>` +
    `<text class="label" data-link="${line.link}" x="${to}" y="${n1(at)}" font-size="11" text-anchor="middle">${escaped(link.label)}</text>`);
}

// The view -------------------------------------------------------------------------------------------------------

const eye = {x: 0, y: 0, scale: 1};

function look() {
  stage.setAttribute('transform', `translate(${n1(eye.x)} ${n1(eye.y)}) scale(${eye.scale.toFixed(4)})`);
}

function fit(_event, least = 0.05) {
  const w = view.clientWidth || 900, h = view.clientHeight || 600;
  eye.scale = Math.max(least, Math.min(1, w / size[0], h / size[1]));
  eye.x = (w - size[0] * eye.scale) / 2;
  eye.y = Math.max(0, (h - size[1] * eye.scale) / 2);
  look();
}

const start = () => fit(null, 0.92); // letters as large as they are meant to be; the rest is a drag away

function zoom(factor, cx = view.clientWidth / 2, cy = view.clientHeight / 2) {
  const scale = Math.min(4, Math.max(0.05, eye.scale * factor));
  eye.x = cx - (cx - eye.x) * scale / eye.scale;
  eye.y = cy - (cy - eye.y) * scale / eye.scale;
  eye.scale = scale;
  look();
}

function reveal(element) {
  const seen = view.getBoundingClientRect(), r = element.getBoundingClientRect();
  const inward = (low, high, from, to) => Math.max(0, from + 40 - low) || Math.min(0, to - 40 - high);
  eye.x += inward(r.left, r.right, seen.left, seen.right);
  eye.y += inward(r.top, r.bottom, seen.top, seen.bottom);
  look();
}

let drag = null;
view.addEventListener('pointerdown', e => { drag = {x: e.clientX, y: e.clientY, moved: false}; });
window.addEventListener('pointermove', e => {
  if (!drag) return;
  const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
  if (!drag.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
  drag.moved = true;
  view.classList.add('dragged');
  eye.x += dx;
  eye.y += dy;
  drag.x = e.clientX;
  drag.y = e.clientY;
  look();
});
window.addEventListener('pointerup', () => {
  view.classList.remove('dragged');
  setTimeout(() => { drag = null; });
});
view.addEventListener('wheel', e => {
  e.preventDefault();
  const r = view.getBoundingClientRect();
  zoom(Math.exp(-e.deltaY * 0.0015), e.clientX - r.left, e.clientY - r.top);
}, {passive: false});

// Sweeps ---------------------------------------------------------------------------------------------------------
// Step k < primal: the value of the k-th card is known. Then, in reverse, adjoints from the last to the first.

const primal = Object.keys(cards).map(Number).sort((a, b) => a - b);
const swept = data.derivative === 'reverse' ? primal.filter(id => cards[id].active).reverse() : [];
const total = primal.length + swept.length;
let step = total; // all is known
let chosen = null;

const current = () => step >= total ? null : step < primal.length ? primal[step] : swept[step - primal.length];

function visible(id) {
  let seen = id;
  for (let at = id; parent.has(at); at = parent.get(at)) if (boxes[at] && !opened.has(at)) seen = at;
  return seen;
}

function mark() {
  const now = current(), shown = now === null ? null : visible(now);
  const valued = step >= primal.length ? Infinity : now;
  const done = step >= total ? new Set(swept) : new Set(swept.slice(0, Math.max(0, step - primal.length + 1)));
  for (const element of stage.querySelectorAll('.item')) {
    const id = Number(element.dataset.id), inside = boxes[id] ? boxes[id].last : id;
    element.classList.toggle('now', id === shown);
    element.classList.toggle('chosen', id === chosen);
    element.classList.toggle('later', inside > valued && !element.classList.contains('strip') && id !== shown);
    element.classList.toggle('unswept', data.derivative === 'reverse' && !done.has(boxes[id] ? boxes[id].result : id));
  }
  const known = link => links[link] && data.derivative === 'reverse' && !done.has(links[link].target) && step < total;
  for (const label of stage.querySelectorAll('text.label')) label.style.visibility = known(label.dataset.link) ? 'hidden' : '';
  for (const path of stage.querySelectorAll('path.line')) {
    const link = links[path.dataset.link];
    path.classList.toggle('met', chosen !== null && (Number(path.dataset.value) === chosen || (link !== undefined && link.target === chosen)));
  }
  document.body.dataset.step = step;
  byId('step').textContent = stepText();
  for (const id of ['first', 'back']) byId(id).disabled = step === 0;
  byId('last').disabled = step === total;
}

function stepText() {
  if (step >= total) return `all ${total} steps`;
  const sweep = step < primal.length ? (data.derivative === 'forward' ? 'values and tangents' : 'values') : 'adjoints';
  return `${step + 1} of ${total}: ${sweep}`;
}

function go(to) {
  step = Math.max(0, Math.min(total, to));
  const now = current();
  mark();
  if (now === null) return;
  chosen = now;
  mark();
  tell(now);
  const card = cards[now], backward = step >= primal.length;
  byId('said').textContent = `${stepText()}. ` + (backward ? card.derivative : `${card.title}: ${card.value}`);
  const element = stage.querySelector('.item.now');
  if (element) reveal(element);
}

// Details --------------------------------------------------------------------------------------------------------

function tell(id) {
  const out = byId('facts');
  out.replaceChildren();
  const add = (tag, text, name) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (name) element.className = name;
    out.append(element);
    return element;
  };
  const part = (title, text, tag = 'pre', name = '') => {
    if (text === undefined || text === '') return;
    add('h3', title);
    add(tag, text, name);
  };
  if (boxes[id]) {
    const box = boxes[id];
    add('h2', box.title);
    part('Holds', box.subtitle, 'p');
    part('Where', box.source, 'p');
    part('Result', box.value);
    part('Its derivative', box.derivative, 'pre', 'moved');
    return;
  }
  const card = cards[id], facts = card.facts;
  add('h2', facts.title || card.title);
  part('Type', facts.type, 'p');
  part('Value', facts.value);
  const kind = data.derivative === 'forward' ? 'Tangent' : 'Adjoint';
  part(`${kind} ${facts['derivative name'] || ''}`, facts.derivative, 'pre', 'moved');
  part('Formula of the tangent', facts.formula);
  received(card, id, add);
  part('Operation', facts.doc && `${facts.operation}: ${facts.doc}`, 'p');
  part(`Source${facts.source ? ' ' + facts.source : ''}${facts.function ? ', in ' + facts.function : ''}`, facts.code);
}

function received(card, id, add) {
  const uses = links.filter(link => link.source === id && link.facts.amount !== undefined);
  if (uses.length) {
    add('h3', 'Sum of what its users send back');
    for (const link of uses) amount('from', cards[link.target], link, add);
  }
  const sent = links.filter(link => link.target === id && link.facts.term);
  if (sent.length) {
    add('h3', 'Sends back');
    for (const link of sent) amount('to', cards[link.source], link, add);
  }
}

function amount(way, card, link, add) {
  const term = link.facts.term ? ` ${link.facts.term} =` : '', long = link.facts.amount.includes('\n');
  add('p', `${way} ${card.facts.name || card.title}:${term} ${long ? '' : link.facts.amount}`, 'moved');
  if (long) add('pre', link.facts.amount, 'moved');
}

function choose(id) {
  chosen = id;
  tell(id);
  if (boxes[id]) {
    const before = stage.querySelector(`.item[data-id="${id}"]`).getBoundingClientRect();
    if (opened.has(id)) opened.delete(id); else opened.add(id);
    draw();
    const element = stage.querySelector(`.item[data-id="${id}"]`), after = element.getBoundingClientRect();
    eye.x += before.left - after.left; // what was clicked stays where it is
    eye.y += before.top - after.top;
    look();
    element.focus({preventScroll: true});
  } else mark();
}

stage.addEventListener('click', e => {
  const item = e.target.closest('.item');
  if (item && !(drag && drag.moved)) choose(Number(item.dataset.id));
});
stage.addEventListener('focusin', e => reveal(e.target));

const actions = {
  first: () => go(0), back: () => go(step - 1), last: () => go(total),
  next: () => go(step === total ? 0 : step + 1), // from the end, it begins anew
  in: () => zoom(1.25), out: () => zoom(0.8), fit,
  unfold: () => { Object.keys(boxes).forEach(id => opened.add(Number(id))); draw(); start(); },
  fold: () => { opened.clear(); draw(); start(); },
  theme: () => document.documentElement.classList.toggle('dark'),
};
for (const [id, action] of Object.entries(actions)) byId(id).addEventListener('click', action);

const keys = {
  ArrowRight: 'next', ArrowLeft: 'back', Home: 'first', End: 'last', '+': 'in', '=': 'in', '-': 'out', 0: 'fit',
};
document.addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const item = e.target.closest && e.target.closest('.item');
  if (item && (e.key === 'Enter' || e.key === ' ')) {
    e.preventDefault();
    choose(Number(item.dataset.id));
  } else if (keys[e.key]) {
    e.preventDefault();
    actions[keys[e.key]]();
  }
});

// Start ----------------------------------------------------------------------------------------------------------

if (window.matchMedia && matchMedia('(prefers-color-scheme: dark)').matches) document.documentElement.classList.add('dark');
draw();
start();
const wanted = new URLSearchParams(location.hash.slice(1));
if (wanted.has('theme')) document.documentElement.classList.toggle('dark', wanted.get('theme') === 'dark');
if (wanted.has('step')) go(Number(wanted.get('step')));
else {
  const shown = primal.find(id => cards[id].tag);
  if (shown !== undefined) tell(shown);
}
