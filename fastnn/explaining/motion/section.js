// Around the printed takeRow: decides when a row is taken, and shows the numbers. It adds none of its own but
// the settings, as an epoch begins with them, zeros, as a batch begins with them, and the mean over the rows, as
// an epoch ends with it.
const root = document.currentScript.closest(".fastnn-motion");
const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((e) => [e.dataset.part, e]));
const places = (key) => [...root.querySelectorAll(`[data-${key}]`)].map((e) => [e, e.dataset[key]]);
const place = Object.fromEntries(["start", "now", "kept", "taken", "became", "found"].map((key) => [key, places(key)]));
for (const [element] of [...place.taken, ...place.became, ...place.found]) {
    element.once = element.closest("[data-once]")?.dataset.once;
}
const weights = places("weight");
const units = places("unit");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

let start, rate, playing = false;
let taken, found; // what the last row was given, and what it worked out
let begun; // the same of the first row of its batch, by the kinds of places
let now; // the parameters, what the optimizer remembers, what the batch has so far, and the epoch's total
let row, epochs, loss; // rows taken of this epoch; finished ones, the last one's loss
let stretch; // the place of this epoch's factor among those of the schedule
let diverged, why; // the epoch in which it diverged, and for what reason
let curve, every; // [epoch, loss] of every n-th epoch: no more points than the eye can tell apart
let running; // [epoch and a fraction, mean loss of this epoch's rows so far], as few of them

function begin(parameters) {
    // As fastnn does: 0.0 for -0.0, which no update would bring back.
    start = Object.fromEntries(data.parameters.map((name, place) => [name, parameters[place] + 0.0]));
    now = {...start, ...data.remembered, ...data.prepared, ...data.sums, total: 0.0};
    [row, epochs, loss, stretch, diverged, curve, every, running] = [0, 0, undefined, 0, 0, [], 1, []];
    workOut();
    pause();
}

// The learning rate of this epoch, by its schedule.
function rateNow() {
    return data.factors ? rate*factorNow() : rate;
}

function factorNow() {
    while (data.factors[stretch + 1]?.[0] <= epochs) stretch += 1;
    return data.factors[stretch][1];
}

// Whether the schedule goes on where its factors are not known any more.
function isOver() {
    return Boolean(data.factors) && factorNow() === null;
}

// The numbers of the next row. Nothing moves by it: before the first step they can be read at leisure.
function workOut() {
    const before = row % data.batch_size;
    const n = Math.min(data.batch_size, data.rows.length - row + before);
    const batch = {n, first: before === 0, last: before + 1 === n};
    taken = {...now, ...settingsOf({learning_rate: rateNow(), ...data.settings}), ...batch};
    if (batch.first) Object.assign(taken, data.sums);
    if (data.coefficients) taken.c = data.coefficients[row];
    data.columns.forEach((name, place) => { taken[name] = data.rows[row][place]; });
    found = takeRow(taken);
    if (batch.first) begun = atHand();
}

// The numbers for each kind of place: of a parameter, as it was before the row's updates and as it is after them.
// What the begin of the batch has prepared and a later equation replaces is from its first row.
function atHand() {
    return {taken: {...found, ...taken}, became: {...begun?.became, ...found}, found};
}

function takeNextRow() {
    workOut();
    for (const name in now) now[name] = found[name];
    row += 1;
    const rows = data.rows.length; // the mean of the first few of many jumps up and down
    if (row >= rows/20 && row % Math.ceil(rows/200) === 0) running.push([epochs + row/rows, now.total/row]);
    if (row === rows) endEpoch();
}

function endEpoch() {
    const before = loss;
    [row, running] = [0, []];
    epochs += 1;
    loss = now.total/data.rows.length;
    const overflowed = data.parameters.find((name) => !Number.isFinite(now[name]));
    if (!Number.isFinite(loss) || overflowed) {
        diverged = epochs;
        why = Number.isFinite(loss) ? `an update made ${overflowed} overflow` : "its loss was no longer finite";
        if (epochs > 1) curve.push([epochs - 1, before]); // it may have been thinned out
        for (const name in now) now[name] = NaN;
    }
    now.total = 0.0;
    if (epochs % every === 0 && !diverged) curve.push([epochs, loss]);
    if (curve.length < 1200) return;
    curve = curve.filter((_, place) => place % 2 === 1);
    every *= 2;
}

function takeRows(number, until = Infinity) {
    let done = 0;
    while (done < number && !diverged && !isOver() && performance.now() < until) {
        takeNextRow();
        done += 1;
    }
    return done;
}

// The rows that are left of the batch.
function restOfBatch() {
    return Math.min(data.batch_size - row % data.batch_size, data.rows.length - row);
}

function play() {
    playing = true;
    let before = performance.now(), due = 1, shown = 0;
    const frame = () => {
        if (!playing) return;
        const time = performance.now();
        const [number, unit] = part.speed.value.split(" ");
        due += (time - before)/1000*number*(unit === "epochs" ? data.rows.length : 1);
        before = time;
        const done = takeRows(Math.floor(due), time + 12);
        due = Math.min(due - done, data.rows.length); // what was not managed is not made up for
        if (diverged || isOver()) return pause();
        if (done && time - shown > (calm.matches ? 1000 : 0)) {
            show();
            shown = time;
        }
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    show();
}

function pause() {
    playing = false;
    show();
}

function step(rows) {
    takeRows(rows);
    pause();
}

// What is shown.

function short(value, digits) {
    if (value === undefined) return "–";
    if (!Number.isFinite(value)) return String(value).replace("-", "−").replace("Infinity", "∞");
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e").map(Number);
    const plain = value === 0 || exponent >= -3 && exponent < Math.max(digits, 6);
    const text = plain ? String(Number(value.toPrecision(digits))) : `${mantissa}e${exponent}`;
    return text.replaceAll("-", "−");
}

// At most three digits, and fewer where the sign and the exponent leave no room for them: a number is never cut.
function fitting(value, signs) {
    const texts = [3, 2, 1].map((digits) => short(value, digits));
    const width = (text) => text.length + 0.4*text.split("−").length - 0.4;
    return texts.find((text) => width(text) <= signs) ?? texts.at(-1);
}

// As many digits as its place has room for: below the circles, in them, in equations and tables.
function written(element, value, digits) {
    if (element.localName !== "tspan") return short(value, digits);
    return fitting(value, element.closest(".weight, .bias") ? 10 : 7);
}

// Whether a number stands where a minus sign before it would follow an operator, or below an exponent.
function joined(element) {
    const before = element.previousElementSibling?.textContent;
    return element.parentElement.localName === "msup" || ["+", "−", "·"].includes(before);
}

function exact(value) {
    return Object.is(value, -0) ? "-0" : String(value);
}

function show() {
    const numbers = atHand();
    const reached = (element, key, name) => { // unless its equation waits for the last row of the batch
        if (element.once === "last" && !taken.last) return undefined;
        return (element.once === "first" ? begun : numbers)[key][name];
    };
    for (const key of ["taken", "became"]) {
        for (const [element, name] of place[key]) {
            const text = written(element, reached(element, key, name), 5);
            element.textContent = text.startsWith("−") && joined(element) ? `(${text})` : text;
        }
    }
    for (const [element, name] of place.found) {
        element.textContent = written(element, reached(element, "found", name), 8);
    }
    for (const [key, values] of [["start", start], ["now", now], ["kept", now]]) {
        for (const [element, name] of place[key]) {
            element.textContent = written(element, values[name], 8);
            if (element.localName === "data") element.value = exact(values[name]);
        }
    }
    draw();
    drawCurve();
    if (data.regions) drawRegions();
    part.play.textContent = playing ? "Pause" : "Play";
    for (const button of [part.play, part.row, part.batch, part.epoch]) if (button) button.disabled = diverged > 0 || isOver();
    // Read out where the reader has stopped, not sixty times a second.
    part.status.setAttribute("aria-live", playing ? "off" : "polite");
    part.status.textContent = status();
    part.which.textContent = `Row ${row || (epochs ? data.rows.length : 1)}`;
}

function status() {
    if (diverged) {
        const last = diverged > 1 ? ` Loss of epoch ${diverged - 1}: ${short(curve.at(-1)[1], 6)}.` : "";
        return `Diverged in epoch ${diverged}: ${why}.${last} `
            + `Choose ${part.rate ? "a smaller learning rate or " : ""}another start.`;
    }
    const rows = data.rows.length;
    if (!epochs && !row) return `No row has been taken yet; there are ${rows}. Row 1 is worked out below.`;
    const batches = Math.ceil(rows/data.batch_size), batch = Math.ceil(row/data.batch_size);
    const batched = data.batch_size > 1 ? ` (batch ${batch} of ${batches})` : "";
    const where = row
        ? `Epoch ${epochs + 1}, row ${row} of ${rows}${batched}: mean loss of its rows so far ${short(now.total/row, 6)}.`
        : `Epoch ${epochs} is finished.`;
    const scheduled = data.factors && !isOver() ? ` Learning rate ${short(rateNow(), 6)}.` : "";
    const over = isOver() ? " No learning rate is worked out for the epochs after it." : "";
    return `${where}${epochs ? ` Loss of epoch ${epochs}: ${short(loss, 6)}.` : ""}${scheduled}${over}`;
}

function draw() {
    const largest = Math.max(...weights.map(([, name]) => Math.abs(now[name]))) || 1;
    for (const [line, name] of weights) {
        line.style.strokeWidth = 1 + 6*Math.abs(now[name])/largest || 1;
        line.classList.toggle("below", now[name] < 0);
        line.classList.toggle("lost", Number.isNaN(now[name]));
    }
    for (const [unit, name] of units) unit.classList.toggle("shut", data.gated.includes(name) && found[name] === 0);
}

// The curve: epochs to the right, the logarithm of the loss upwards.

const box = {left: 70, right: 448, top: 22, bottom: 262};

function drawn(tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.textContent = text;
    part.curve.append(element);
}

function drawCurve() {
    const finite = ([epoch, loss]) => epoch && loss > 0 && loss < Infinity;
    const some = [...curve, [epochs, loss]].filter(finite);
    const inside = running.filter(finite);
    // Only the last mean of this epoch's rows: the mean of the first few rows jumps far up and down.
    const values = [...some, ...inside.slice(some.length ? -1 : 0)].map(([, loss]) => Math.log10(loss));
    const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [-2, 0];
    const margin = 0.05*(high - low) + 0.02;
    const [from, to, last] = [low - margin, high + margin, Math.max(10, epochs + (row > 0))];
    const x = (epoch) => box.left + (box.right - box.left)*epoch/last;
    const height = (value) => box.bottom - (box.bottom - box.top)*(value - from)/(to - from);
    const y = (value) => Math.min(box.bottom, Math.max(box.top, height(value)));
    part.curve.replaceChildren();
    const ends = some.length ? `from ${short(some[0][1], 3)} to ${short(some.at(-1)[1], 3)}` : "none yet";
    part.curve.setAttribute("aria-label", `Loss by epoch, ${ends}${diverged ? `; diverged in epoch ${diverged}` : ""}`);
    for (const tick of ticks(from, to)) {
        const at = y(Math.log10(tick));
        drawn("line", {class: "grid", x1: box.left, x2: box.right, y1: at, y2: at});
        drawn("text", {class: "tick", x: box.left - 6, y: at + 4}, short(tick, 3));
    }
    drawn("path", {class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`});
    for (const epoch of [0, Math.round(last/2), last]) drawn("text", {x: x(epoch), y: box.bottom + 17}, epoch);
    drawn("text", {x: x(last/2), y: box.bottom + 34}, "epoch");
    drawn("text", {x: box.right, y: box.top - 8, class: "tick"}, "loss, on a logarithmic scale");
    const point = ([epoch, loss]) => `${x(epoch).toFixed(1)} ${y(Math.log10(loss)).toFixed(1)}`;
    const line = (kind, points) => drawn("path", {class: kind, d: `M${points.map(point).join("L")}`});
    if (some.length) line("losses", some);
    if (inside.length) line("running", inside);
    const end = [...some, ...inside].at(-1);
    if (end) drawn("circle", {class: "last", cx: x(end[0]), cy: y(Math.log10(end[1])), r: 3.5});
    if (diverged) drawDivergence(x(diverged), some.length && point(some.at(-1)));
}

// A curve that ends below would look like a good one: here it leaves the picture, and words say where.
function drawDivergence(at, end) {
    if (end) drawn("path", {class: "gone", d: `M${end}L${at} ${box.top}`});
    drawn("path", {class: "end", d: `M${at} ${box.top}V${box.bottom}`});
    drawn("path", {class: "end", d: `M${at - 6} ${box.top - 6}l12 12m0 -12l-12 12`});
    const left = at > (box.left + box.right)/2;
    const place = {x: at + (left ? -10 : 10), y: (box.top + box.bottom)/2, class: left ? "told tick" : "told"};
    drawn("text", place, `diverged in epoch ${diverged}`);
}

function ticks(from, to) {
    const every = Math.ceil((to - from)/8); // powers of ten
    const inside = [];
    for (let power = every*Math.floor(from/every); power <= to; power += every) {
        for (const digit of to - from > 3 ? [1] : [1, 2, 5]) {
            const at = power + Math.log10(digit);
            if (at >= from && at <= to) inside.push(Number(`${digit}e${power}`));
        }
    }
    return inside.length > 1 ? inside : [10**(from + 0.1*(to - from)), 10**(to - 0.1*(to - from))];
}

// What the reader asks for.

function refuse(field, message) {
    field.setCustomValidity(message);
    field.setAttribute("aria-invalid", Boolean(message));
    part.status.textContent = message;
    return !message;
}

function readRate() {
    const given = Number(part.rate.value);
    const fits = given > 0 && Number.isFinite(given);
    if (fits) rate = given;
    return refuse(part.rate, fits ? "" : `The learning rate must be above 0; got "${part.rate.value}". Give one such as 0.005.`);
}

function readStart() {
    const given = part.numbers.value.split(",").map((text) => text.trim() === "" ? NaN : Number(text));
    const fits = given.length === data.parameters.length && given.every(Number.isFinite);
    const message = `${data.parameters.length} numbers must be given, separated by commas; got "${part.numbers.value}". `
        + `Write them in the order ${data.parameters.join(", ")}.`;
    if (refuse(part.numbers, fits ? "" : message)) begin(given);
}

function chooseStart() {
    part.numbers.value = data.starts[part.starts.value].map(exact).join(", ");
    readStart();
}

part.play.addEventListener("click", () => playing ? pause() : play());
part.row.addEventListener("click", () => step(1));
part.batch?.addEventListener("click", () => step(restOfBatch()));
part.epoch.addEventListener("click", () => step(data.rows.length - row));
part.again.addEventListener("click", readStart);
part.starts.addEventListener("change", chooseStart);
part.numbers.addEventListener("change", () => {
    part.starts.selectedIndex = -1;
    readStart();
});
part.rate?.addEventListener("change", () => {
    if (!readRate()) return;
    if (!epochs && !row) workOut();
    show();
});
if (part.rate) readRate();
chooseStart();
