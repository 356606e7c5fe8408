// Draws the charts of a page from the tables that stand in it, with uPlot. Promise: what is drawn is what the table says; colours come from the style
// sheet's tokens in either scheme, and the light ones in print.
(() => {
  'use strict';
  const root = document.documentElement;
  const TONES = ['accent', 'good', 'fair', 'bad', 'faint', 'quiet'];
  const DAY = 86400;
  const HOUR = 3600;
  const MINUTE = 60;
  const PAPER = 660; // a canvas is not laid out anew for a page of A4
  const drawn = new Map();

  /** The colours as they are now, by name. */
  const colours = (figure) => {
    const probe = document.createElement('span');
    figure.append(probe);
    const found = { ink: getComputedStyle(figure.querySelector('.hint')).color };
    for (const tone of TONES) {
      probe.className = `swatch ${tone}`;
      found[tone] = getComputedStyle(probe).color;
    }
    probe.remove();
    found.line = getComputedStyle(figure).borderTopColor;
    return found;
  };

  /** The table's numbers: one list of times for every stretch of the window, and one of sums for each series, the whole stack first. */
  const numbers = (figure) => {
    const { step, from, to } = Object.fromEntries(['step', 'from', 'to'].map((name) => [name, Number(figure.dataset[name]) / 1000]));
    const heads = [...figure.querySelectorAll('th[data-tone]')].map((head) => ({ label: head.textContent, tone: head.dataset.tone }));
    const rows = new Map([...figure.querySelectorAll('tr[data-at]')].map((row) => [Number(row.dataset.at), [...row.querySelectorAll('td.number')].map((cell) => Number(cell.textContent))]));
    const at = [];
    // Counted in stretches: adding fractions of a second up would miss the rows.
    const stretches = Math.round((to - from) / step);
    for (let stretch = 0; stretch < stretches; stretch++) at.push(from + stretch * step);
    const counts = at.map((second) => rows.get(Math.round(second * 1000)) ?? heads.map(() => 0));
    // Each bar is drawn over the one before it, so that what is left to see is stacked.
    const sums = heads.map((_, series) => counts.map((row) => row.slice(series).reduce((sum, one) => sum + one, 0)));
    return { step, from, to, heads, at, counts, sums };
  };

  const two = (number) => String(number).padStart(2, '0');
  const day = (time) => `${time.getUTCFullYear()}-${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}`;
  /** A time in UTC, as exactly as `step` asks. */
  const said = (second, step, withDay) => {
    const time = new Date(second * 1000);
    if (step >= DAY) return day(time).slice(withDay ? 0 : 5);
    const seconds = step < MINUTE ? `:${two(time.getUTCSeconds())}` : '';
    const part = step < 1 ? `.${String(time.getUTCMilliseconds()).padStart(3, '0')}` : '';
    const clock = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}${seconds}${part}`;
    return withDay ? `${day(time)} ${clock}` : clock;
  };

  const draw = (figure) => {
    const plot = figure.querySelector('.plot');
    const data = numbers(figure);
    const reading = figure.querySelector('.reading');
    let colour = colours(figure);
    const font = `11px ${getComputedStyle(figure).fontFamily}`;
    const axis = { stroke: () => colour.ink, font, labelFont: font, labelGap: 2, ticks: { stroke: () => colour.line, width: 1, size: 4 }, grid: { stroke: () => colour.line, width: 1 } };
    const bars = uPlot.paths.bars({ size: [1, Infinity], gap: data.at.length > 40 ? 1 : 2, align: 1 });
    const shortest = data.to - data.from > 2 * DAY && data.step < DAY;
    const options = {
      width: plot.clientWidth,
      height: plot.clientHeight,
      padding: [6, 36, 0, 0],
      legend: { show: false },
      tzDate: (second) => uPlot.tzDate(new Date(second * 1000), 'Etc/UTC'),
      cursor: { y: false, points: { show: false }, drag: { x: Boolean(figure.dataset.select), y: false, setScale: false } },
      scales: { x: { time: true, range: () => [data.from, data.to] }, y: { range: (_, __, most) => [0, Math.max(1, most) * 1.05] } },
      axes: [
        { ...axis, size: 24, gap: 3, grid: { show: false }, space: data.step < 1 ? 90 : 70, incrs: [0.1, 0.25, 0.5, 1, 5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY],
          values: (_, splits) => splits.map((second) => said(second, shortest ? DAY : data.step, false)) },
        { ...axis, label: figure.dataset.unit, labelSize: 16, size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8] },
      ],
      series: [{}, ...data.heads.map((head) => ({ label: head.label, width: 0, fill: () => colour[head.tone], paths: bars, points: { show: false } }))],
      hooks: {
        setCursor: [(chart) => {
          const at = chart.cursor.left < 0 ? -1 : Math.floor((chart.posToVal(chart.cursor.left, 'x') - data.from) / data.step);
          reading.textContent = data.at[at] === undefined ? '' : `${said(data.at[at], data.step, true)}  ${data.heads.map((head, series) => `${head.label.toLowerCase()} ${data.counts[at][series]}`).join(', ')}`;
        }],
        setSelect: [(chart) => {
          const { left, width } = chart.select;
          if (width < 4) return;
          const edge = (pixel, round) => round((chart.posToVal(pixel, 'x') - data.from) / data.step) * data.step + data.from;
          const [from, to] = [edge(left, Math.floor), Math.max(edge(left + width, Math.ceil), edge(left, Math.floor) + data.step)];
          const address = new URL(figure.dataset.select, location.href);
          address.searchParams.set('from', new Date(from * 1000).toISOString());
          address.searchParams.set('to', new Date(to * 1000).toISOString());
          location.assign(address);
        }],
      },
    };
    plot.replaceChildren();
    const chart = new uPlot(options, [data.at, ...data.sums], plot);
    drawn.set(figure, { chart, plot, again: () => { colour = colours(figure); chart.redraw(false, true); } });
  };

  const drawAll = () => {
    for (const [figure, { chart }] of drawn) if (!figure.isConnected) { chart.destroy(); drawn.delete(figure); }
    for (const figure of document.querySelectorAll('figure[data-chart]')) if (!drawn.has(figure)) { draw(figure); sizes.observe(figure.querySelector('.plot')); }
  };
  const again = () => { for (const { again: redraw } of drawn.values()) redraw(); };
  const sizes = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      const { chart } = drawn.get(target.closest('figure')) ?? {};
      if (chart && target.clientWidth && chart.width !== target.clientWidth) chart.setSize({ width: target.clientWidth, height: target.clientHeight });
    }
  });

  drawAll();
  document.body.addEventListener('htmx:afterSettle', drawAll);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  new MutationObserver(again).observe(root, { attributeFilter: ['data-theme'] });
  let before;
  addEventListener('beforeprint', () => {
    before = root.dataset.theme;
    root.dataset.theme = 'light';
    for (const { chart } of drawn.values()) chart.setSize({ width: Math.min(chart.width, PAPER), height: chart.height });
    again();
  });
  addEventListener('afterprint', () => {
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    for (const { chart, plot } of drawn.values()) chart.setSize({ width: plot.clientWidth, height: plot.clientHeight });
    again();
  });
})();
