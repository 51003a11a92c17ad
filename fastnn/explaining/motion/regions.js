
// The regions of the classes over two inputs: a grid of answers, and between its points, lines where two classes
// are equal.

// The outputs for some inputs: of one output, what it leaves of 1 comes first.
function outputsOf(inputs) {
    const given = {...now};
    inputs.forEach((value, place) => { given[data.columns[place]] = value; });
    const outputs = answersOf(given);
    return outputs.length > 1 ? outputs : [1 - outputs[0], outputs[0]];
}

// The class of the largest output, the first of equal ones; but of two from one output, the second from 0.5 on.
function predictedBy(outputs) {
    if (outputs.some(Number.isNaN)) return -1;
    if (data.regions.single) return outputs[1] >= 0.5 ? 1 : 0;
    return outputs.indexOf(Math.max(...outputs));
}

function drawRegions() {
    const {box: [left, right, top, bottom], chosen, ends, held, codes, classes} = data.regions;
    const x = (share) => left + share*(right - left), y = (share) => bottom - share*(bottom - top);
    const columns = 49, rows = chosen.length > 1 ? 37 : 2, points = [];
    for (let j = 0; j < rows; j++) {
        for (let i = 0; i < columns; i++) {
            const shares = [i/(columns - 1), j/(rows - 1)];
            const inputs = [...held];
            chosen.forEach((place, n) => { inputs[place] = ends[n][0] + shares[n]*(ends[n][1] - ends[n][0]); });
            const outputs = outputsOf(inputs);
            points.push({x: x(shares[0]), y: y(shares[1]), outputs, predicted: predictedBy(outputs)});
        }
    }
    const shapes = Array.from({length: classes}, () => []), edges = [];
    if (points.every(({predicted}) => predicted >= 0)) {
        for (let j = 0; j + 1 < rows; j++) {
            for (let i = 0; i + 1 < columns; i++) {
                const corner = j*columns + i;
                const corners = [corner, corner + 1, corner + 1 + columns, corner + columns];
                fillCell(corners.map((place) => points[place]), shapes, edges);
            }
        }
    }
    for (const [path, code] of places("region")) path.setAttribute("d", shapes[code].join(""));
    part.edge.setAttribute("d", edges.join(""));
    if (!playing || data.rows.length <= 2000) countRows();
    const shown = (row || (epochs ? data.rows.length : 1)) - 1;
    const shares = chosen.map((place, n) => (data.rows[shown][place] - ends[n][0])/(ends[n][1] - ends[n][0]));
    if (shares.length < 2) shares.push((codes[shown] + 0.5)/classes);
    part.here.setAttribute("cx", x(shares[0]));
    part.here.setAttribute("cy", y(shares[1]));
}

// How many rows are classified correctly. Of many it is counted only where the reader has stopped.
function countRows() {
    const {held, codes} = data.regions;
    const predicted = data.rows.map((numbers) => predictedBy(outputsOf(numbers.slice(0, held.length))));
    const correct = predicted.filter((code, place) => code === codes[place]).length;
    part.right.textContent = predicted.includes(-1) ? "" : `${correct} of ${codes.length} rows are classified correctly.`;
}

// A cell of the grid: each run of corners of one class with the points where it ends; where there are more than
// two such points, they meet in the middle.
function fillCell(corners, shapes, edges) {
    const at = ({x, y}) => `${x.toFixed(1)} ${y.toFixed(1)}`;
    const crossings = corners.map((a, n) => crossing(a, corners[(n + 1)%4])); // after each corner, or undefined
    const ends = [0, 1, 2, 3].filter((n) => crossings[n]);
    if (!ends.length) {
        shapes[corners[0].predicted].push(`M${corners.map(at).join("L")}z`);
        return;
    }
    const mean = (key) => ends.reduce((sum, n) => sum + crossings[n][key], 0)/ends.length;
    const middle = {x: mean("x"), y: mean("y")};
    ends.forEach((n, which) => {
        const next = ends[(which + 1)%ends.length];
        const run = [crossings[n]];
        for (let m = (n + 1)%4; ; m = (m + 1)%4) {
            run.push(corners[m]);
            if (m === next) break;
        }
        run.push(crossings[next]);
        if (ends.length > 2) run.push(middle);
        shapes[corners[next].predicted].push(`M${run.map(at).join("L")}z`);
        if (ends.length > 2 || which === 0) edges.push(`M${at(crossings[n])}L${at(ends.length > 2 ? middle : crossings[next])}`);
    });
}

// Where the outputs of two neighbours' classes are equal between them.
function crossing(a, b) {
    if (a.predicted === b.predicted) return undefined;
    const before = a.outputs[a.predicted] - a.outputs[b.predicted], after = b.outputs[a.predicted] - b.outputs[b.predicted];
    const share = before === after ? 0.5 : before/(before - after);
    return {x: a.x + share*(b.x - a.x), y: a.y + share*(b.y - a.y)};
}
