// Around the printed takeRow: decides when a row is taken, and shows the numbers. It adds none of its own but
// step, as an epoch begins with it, and the mean over the rows, as an epoch ends with it.
const root = document.currentScript.closest(".fastnn-motion");
const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((e) => [e.dataset.part, e]));
const places = (key) => [...root.querySelectorAll(`[data-${key}]`)].map((e) => [e, e.dataset[key]]);
const place = {start: places("start"), now: places("now"), taken: places("taken"), found: places("found")};
const weights = places("weight");
const units = places("unit");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

let start, rate, playing = false;
let taken, found; // what the last row was given, and what it worked out
let now; // the parameters and the epoch's total
let row, epochs, loss, diverged; // rows taken of this epoch; finished ones, the last one's loss; where it diverged
let curve, every; // [epoch, loss] of every so many epochs: no more than can be told apart

function begin(parameters) {
    start = Object.fromEntries(data.parameters.map((name, place) => [name, parameters[place]]));
    now = {...start, total: 0.0};
    [taken, found, row, epochs, diverged, curve, every] = [{}, {}, 0, 0, 0, [], 1];
    pause();
}

function takeNextRow() {
    taken = {...now, step: -2.0*rate};
    data.columns.forEach((name, place) => { taken[name] = data.rows[row][place]; });
    found = takeRow(taken);
    for (const name in now) now[name] = found[name];
    row += 1;
    if (row === data.rows.length) endEpoch();
}

function endEpoch() {
    row = 0;
    epochs += 1;
    loss = now.total/data.rows.length;
    if (!Number.isFinite(now.total)) {
        diverged = epochs;
        for (const name of data.parameters) now[name] = NaN;
    }
    now.total = 0.0;
    if (epochs % every === 0) curve.push([epochs, loss]);
    if (curve.length < 1200) return;
    curve = curve.filter((_, place) => place % 2 === 1);
    every *= 2;
}

function takeRows(number, until = Infinity) {
    let done = 0;
    while (done < number && !diverged && performance.now() < until) {
        takeNextRow();
        done += 1;
    }
    return done;
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
        if (diverged) return pause();
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
    if (!Number.isFinite(value)) return String(value).replace("-", "−");
    return String(Number(value.toPrecision(digits))).replace("-", "−");
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
    const entering = {...found, ...taken}; // a parameter as it was before the row's updates
    for (const [element, name] of place.taken) {
        const text = short(entering[name], element.localName === "mn" ? 5 : 3);
        element.textContent = text.startsWith("−") && joined(element) ? `(${text})` : text;
    }
    for (const [element, name] of place.found) {
        element.textContent = short(found[name], element.localName === "output" ? 8 : 3);
    }
    for (const [key, values] of [["start", start], ["now", now]]) {
        for (const [element, name] of place[key]) {
            element.textContent = short(values[name], element.localName === "data" ? 8 : 3);
            if (element.localName === "data") element.value = exact(values[name]);
        }
    }
    draw();
    drawCurve();
    part.play.textContent = playing ? "Pause" : "Play";
    for (const name of ["play", "row", "epoch"]) part[name].disabled = diverged > 0;
    // Read out where the reader has stopped, not sixty times a second.
    part.status.setAttribute("aria-live", playing ? "off" : "polite");
    part.status.textContent = status();
}

function status() {
    if (diverged) {
        return `Diverged in epoch ${diverged}: its loss was no longer finite. `
            + "Choose a smaller learning rate or another start.";
    }
    const rows = data.rows.length;
    if (!("step" in taken)) return `No row has been visited yet; there are ${rows}.`;
    const where = row ? `Epoch ${epochs + 1}, row ${row} of ${rows}.` : `Epoch ${epochs} is finished.`;
    return epochs ? `${where} Loss of epoch ${epochs}: ${short(loss, 6)}.` : where;
}

function draw() {
    const largest = Math.max(...weights.map(([, name]) => Math.abs(now[name]))) || 1;
    for (const [line, name] of weights) {
        line.style.strokeWidth = 1 + 6*Math.abs(now[name])/largest || 1;
        line.classList.toggle("below", now[name] < 0);
    }
    for (const [unit, name] of units) unit.classList.toggle("shut", data.gated.includes(name) && found[name] === 0);
}

// The curve: epochs to the right, the logarithm of the loss upwards.

const box = {left: 58, right: 455, top: 14, bottom: 262};

function drawn(tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.textContent = text;
    part.curve.append(element);
}

function drawCurve() {
    const some = [...curve, [epochs, loss]].filter(([epoch, loss]) => epoch && loss > 0 && loss < Infinity);
    const values = some.map(([, loss]) => Math.log10(loss));
    const [low, high] = some.length ? [Math.min(...values), Math.max(...values)] : [-2, 0];
    const margin = 0.05*(high - low) + 0.02;
    const [from, to, last] = [low - margin, high + margin, Math.max(10, epochs)];
    const x = (epoch) => box.left + (box.right - box.left)*epoch/last;
    const y = (value) => box.bottom - (box.bottom - box.top)*(value - from)/(to - from);
    part.curve.replaceChildren();
    part.curve.setAttribute("aria-label", some.length
        ? `Loss by epoch, from ${short(some[0][1], 3)} to ${short(some.at(-1)[1], 3)}` : "Loss by epoch, none yet");
    for (const tick of ticks(from, to)) {
        const at = y(Math.log10(tick));
        drawn("line", {class: "grid", x1: box.left, x2: box.right, y1: at, y2: at});
        drawn("text", {class: "tick", x: box.left - 6, y: at + 4}, short(tick, 3));
    }
    drawn("path", {class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`});
    for (const epoch of [0, Math.round(last/2), last]) drawn("text", {x: x(epoch), y: box.bottom + 17}, epoch);
    drawn("text", {x: x(last/2), y: box.bottom + 34}, "epoch");
    drawn("text", {x: box.right, y: box.top + 4, class: "tick"}, "loss, on a logarithmic scale");
    if (!some.length) return;
    const points = some.map(([epoch], place) => `${x(epoch).toFixed(1)} ${y(values[place]).toFixed(1)}`);
    drawn("path", {class: "losses", d: `M${points.join("L")}`});
    drawn("circle", {class: "last", cx: x(some.at(-1)[0]), cy: y(values.at(-1)), r: 3.5});
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
part.epoch.addEventListener("click", () => step(data.rows.length - row));
part.again.addEventListener("click", readStart);
part.starts.addEventListener("change", chooseStart);
part.numbers.addEventListener("change", () => {
    part.starts.selectedIndex = -1;
    readStart();
});
part.rate.addEventListener("change", () => readRate() && show());
readRate();
chooseStart();
