// Sorts, filters and pages the connections; folds, copies, switches colours. Data
// reaches the page as text alone (textContent): nothing in it can become markup.
(() => {
  'use strict';
  const PAGE = 50;
  const get = (id) => document.getElementById(id);
  const make = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };

  // Colours.
  const root = document.documentElement;
  const theme = get('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const nameTheme = () => { theme.textContent = isDark() ? 'Light colours' : 'Dark colours'; };
  theme.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    nameTheme();
  });
  system.addEventListener('change', nameTheme);
  nameTheme();
  theme.hidden = false;

  // Folds: open what a link leads to, and all findings for paper.
  const open = (hash) => {
    const target = hash.length > 1 ? get(hash.slice(1)) : null;
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener('hashchange', () => open(location.hash));
  open(location.hash);
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('details.finding:not([open])')];
    closed.forEach((fold) => { fold.open = true; });
  });
  addEventListener('afterprint', () => {
    closed.forEach((fold) => { fold.open = false; });
    closed = [];
  });

  // Copying: the clipboard where the browser gives it, else the text is marked.
  document.querySelectorAll('.command').forEach((block) => {
    const pre = block.querySelector('pre');
    const button = make('button', 'Copy');
    button.type = 'button';
    button.setAttribute('aria-label', `Copy: ${pre.getAttribute('aria-label')}`);
    const say = (text) => {
      button.textContent = text;
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    };
    const mark = () => {
      getSelection().selectAllChildren(pre);
      say('Marked: press Ctrl+C');
    };
    button.addEventListener('click', () => {
      if (!navigator.clipboard) return mark();
      navigator.clipboard.writeText(pre.textContent).then(() => say('Copied'), mark);
    });
    block.append(button);
  });

  // Connections.
  const data = JSON.parse(get('rows').textContent);
  const table = get('table');
  if (!data || !table) return;
  const [ID, START, CLIENT, SERVICE, SERVER, OUTCOME, FATE, NS, LASTED, FINDINGS, KIND, BREAK] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const colours = ['', 'bad', 'warn', ''];
  const natural = new Intl.Collator('en', { numeric: true });
  const plain = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const words = {
    [SERVICE]: (row) => data.services[row[SERVICE]],
    [SERVER]: (row) => data.servers[row[SERVER]],
    [OUTCOME]: (row) => data.outcomes[row[OUTCOME]],
    [FATE]: (row) => data.fates[row[FATE]],
    [FINDINGS]: (row) => [row[FINDINGS].join(', '), data.ordinary[row[KIND]]]
      .filter(Boolean).join('; '),
  };
  const by = (key) => (a, b) => natural.compare(words[key](a), words[key](b));
  // In the order of the table's columns.
  const orders = [
    (a, b) => a[ID] - b[ID],
    (a, b) => plain(a[START], b[START]) || a[ID] - b[ID],
    (a, b) => natural.compare(a[CLIENT], b[CLIENT]),
    by(SERVICE), by(SERVER), by(FATE), by(OUTCOME),
    (a, b) => a[NS] - b[NS],
    (a, b) => (a[FINDINGS][0] ?? Infinity) - (b[FINDINGS][0] ?? Infinity) || 0,
  ];
  const text = (row) => [row[ID], row[START], row[CLIENT], words[SERVICE](row), words[SERVER](row),
    words[FATE](row), words[OUTCOME](row), words[FINDINGS](row)].join(' ').toLowerCase();
  let texts = null;

  const form = get('filter');
  const fields = Object.fromEntries(
    ['search', 'client', 'service', 'server', 'fate', 'outcome', 'break', 'finding']
      .map((id) => [id, get(id)]).filter(([, field]) => field));
  const fill = (select, names) => [...names.entries()]
    .sort((a, b) => natural.compare(a[1], b[1]))
    .forEach(([n, name]) => {
      const option = make('option', name);
      option.value = n;
      select.append(option);
    });
  fill(fields.service, data.services);
  fill(fields.server, data.servers);
  fill(fields.outcome, data.outcomes);

  let sorted = data.rows.map((_, n) => n);
  let matching = sorted;
  let page = 0;

  const cell = (content, className) => {
    const td = make('td', content);
    if (className) td.className = className;
    return td;
  };
  const findings = (row) => {
    const td = document.createElement('td');
    row[FINDINGS].forEach((n, at) => {
      if (at) td.append(', ');
      const link = make('a', n);
      link.href = `#finding-${Number(n)}`;
      td.append(link);
    });
    if (row[KIND] !== null) td.append((row[FINDINGS].length ? '; ' : '') + data.ordinary[row[KIND]]);
    return td;
  };
  const draw = () => {
    const rows = matching.slice(page * PAGE, page * PAGE + PAGE).map((n) => {
      const row = data.rows[n];
      const tr = document.createElement('tr');
      tr.append(cell(row[ID], 'num'), cell(row[START]), cell(row[CLIENT]),
        cell(words[SERVICE](row)), cell(words[SERVER](row)),
        cell(words[FATE](row), colours[row[FATE]]), cell(words[OUTCOME](row)),
        cell(row[LASTED], 'num'), findings(row));
      return tr;
    });
    table.tBodies[0].replaceChildren(...rows);
    const number = (n) => n.toLocaleString('en');
    const all = data.rows.length;
    get('shown').textContent = matching.length === all
      ? `${number(all)} connection${all === 1 ? '' : 's'}.`
      : `${number(matching.length)} of ${number(all)} connections match.`;
    const pages = Math.max(1, Math.ceil(matching.length / PAGE));
    get('pager').hidden = pages === 1;
    get('page').textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    get('before').disabled = page === 0;
    get('after').disabled = page + 1 >= pages;
  };

  const choose = () => {
    const needle = fields.search.value.trim().toLowerCase();
    const client = fields.client.value.trim().toLowerCase();
    const { service, server, fate, outcome, break: broken, finding } =
      Object.fromEntries(Object.entries(fields).map(([id, field]) => [id, field.value]));
    if (needle && !texts) texts = data.rows.map(text);
    matching = sorted.filter((n) => {
      const row = data.rows[n];
      return (!service || row[SERVICE] === Number(service))
        && (!server || row[SERVER] === Number(server))
        && (!fate || row[FATE] === Number(fate))
        && (!outcome || row[OUTCOME] === Number(outcome))
        && (!broken || row[BREAK] === Number(broken))
        && (!finding || row[FINDINGS].includes(Number(finding)))
        && (!client || row[CLIENT].toLowerCase().includes(client))
        && (!needle || texts[n].includes(needle));
    });
    page = 0;
    draw();
  };
  form.addEventListener('input', choose);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(choose));
  form.hidden = false;

  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make('button', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const order = orders[column];
      sorted = data.rows.map((_, n) => n)
        .sort((a, b) => order(data.rows[a], data.rows[b]) * (down ? -1 : 1) || a - b);
      choose();
    });
  });

  const turn = (by) => {
    page += by;
    draw();
  };
  get('before').addEventListener('click', () => turn(-1));
  get('after').addEventListener('click', () => turn(1));
  ['finding', 'break'].forEach((name) => {
    document.querySelectorAll(`a[data-${name}]`).forEach((link) => {
      link.addEventListener('click', () => {
        form.reset();
        // After the reset's own event.
        setTimeout(() => {
          if (fields[name]) fields[name].value = link.dataset[name];
          choose();
        });
      });
    });
  });
  draw();
})();
