// Around the printed takeRow: it decides when a row is taken, and shows the numbers. It computes none of them.
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
let row, losses, diverged; // rows taken of this epoch; the loss of every finished one; in which it diverged

function begin(parameters) {
    start = Object.fromEntries(data.parameters.map((name, place) => [name, parameters[place]]));
    now = {...start, total: 0.0};
    [taken, found, row, losses, diverged] = [{}, {}, 0, [], 0];
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
    losses.push(now.total/data.rows.length);
    if (!Number.isFinite(now.total)) {
        diverged = losses.length;
        for (const name of data.parameters) now[name] = NaN;
    }
    now.total = 0.0;
    row = 0;
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
    let before = performance.now(), due = 0, shown = 0;
    const frame = (time) => {
        if (!playing) return;
        const [number, unit] = part.speed.value.split(" ");
        due += (time - before)/1000*number*(unit === "epochs" ? data.rows.length : 1);
        before = time;
        const done = takeRows(Math.floor(due), performance.now() + 12);
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

function exact(value) {
    return Object.is(value, -0) ? "-0" : String(value);
}

function show() {
    const entering = {...found, ...taken}; // a parameter as it was before the row's updates
    for (const [element, name] of place.taken) {
        const text = short(entering[name], 5);
        element.textContent = element.localName === "mn" && text.startsWith("−") ? `(${text})` : text;
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
    const epochs = losses.length, rows = data.rows.length;
    if (diverged) {
        return `Diverged in epoch ${diverged}: its loss was no longer finite. `
            + "Choose a smaller learning rate or another start.";
    }
    const last = epochs ? `Loss of epoch ${epochs}: ${short(losses[epochs - 1], 6)}.` : `${rows} rows wait.`;
    if (!("step" in taken)) return `No row has been visited yet. ${last}`;
    const where = row ? `Epoch ${epochs + 1}, row ${row} of ${rows}.` : `Epoch ${epochs} is finished.`;
    return `${where} ${last}`;
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

const box = {left: 58, right: 470, top: 14, bottom: 262};

function drawn(tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.textContent = text;
    part.curve.append(element);
}

function drawCurve() {
    const some = losses.map((loss, epoch) => [epoch + 1, loss]).filter(([, loss]) => loss > 0 && loss < Infinity);
    part.curve.replaceChildren();
    part.curve.setAttribute("aria-label", some.length
        ? `Loss by epoch: ${short(some[0][1], 3)} in epoch ${some[0][0]}, ${short(some.at(-1)[1], 3)} in epoch ${some.at(-1)[0]}`
        : "Loss by epoch: no epoch is finished");
    const values = some.map(([, loss]) => Math.log10(loss));
    const low = Math.min(...values), high = Math.max(...values);
    const [from, to] = some.length ? [low - 0.05*(high - low) - 0.02, high + 0.05*(high - low) + 0.02] : [-2, 0];
    const epochs = Math.max(10, losses.length);
    const x = (epoch) => box.left + (box.right - box.left)*epoch/epochs;
    const y = (value) => box.bottom - (box.bottom - box.top)*(value - from)/(to - from);
    for (const loss of ticks(from, to)) {
        const at = y(Math.log10(loss));
        drawn("line", {class: "grid", x1: box.left, x2: box.right, y1: at, y2: at});
        drawn("text", {class: "tick", x: box.left - 6, y: at + 4}, short(loss, 3));
    }
    drawn("path", {class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`});
    for (const epoch of [0, Math.round(epochs/2), epochs]) drawn("text", {x: x(epoch), y: box.bottom + 17}, epoch);
    drawn("text", {x: (box.left + box.right)/2, y: box.bottom + 34}, "epoch");
    const stride = Math.ceil(some.length/800); // more points than the screen has columns would be lost
    const points = some.map(([epoch], place) => [x(epoch), y(values[place])])
        .filter((_, place) => place % stride === 0 || place === some.length - 1);
    if (!points.length) return;
    drawn("path", {class: "losses", d: `M${points.map((point) => point.map((v) => v.toFixed(1)).join(" ")).join("L")}`});
    const [lastX, lastY] = points.at(-1);
    drawn("circle", {class: "last", cx: lastX, cy: lastY, r: 3.5});
}

function ticks(from, to) {
    const found = [];
    for (let power = Math.floor(from); power <= to; power += 1) {
        for (const digit of [1, 2, 5]) found.push(Number(`${digit}e${power}`));
    }
    const inside = found.filter((loss) => Math.log10(loss) >= from && Math.log10(loss) <= to);
    if (inside.length > 8) return inside.filter((loss) => Number.isInteger(Math.log10(loss)));
    return inside.length > 1 ? inside : [10**(from + 0.1*(to - from)), 10**(to - 0.1*(to - from))];
}

// What the reader asks for.

function refuse(field, message) {
    field.setCustomValidity(message);
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
part.numbers.addEventListener("change", readStart);
part.rate.addEventListener("change", () => readRate() && show());
readRate();
chooseStart();
