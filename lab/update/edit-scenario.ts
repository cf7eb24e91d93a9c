import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLMap, YAMLSeq } from 'yaml';

import { LabError } from '../core/lab-error.ts';
import { scalarOf } from '../judge/paste.ts';
import type { BranchCell } from '../plan/branches.ts';
import type { When } from '../spec/scenario.ts';
import { whensFor } from './branch-when.ts';
import type { Change } from './measured.ts';

/**
 * A place in a file where an `expect` is or can be: of a step (counted from 0), or of the start or the end of a node.
 */
export type Site =
  | { readonly at: 'step'; readonly number: string }
  | { readonly at: 'start'; readonly node: string | undefined }
  /** the complete list, or what is added to it for one of several nodes */
  | { readonly at: 'end'; readonly node: string | undefined };

/** The changes of one cell at a site. */
export interface CellChanges {
  readonly cell: BranchCell;
  /** the index of the branch that applies to the cell; undefined if the file has none */
  readonly branch: number | undefined;
  readonly changes: readonly Change[];
}

export interface SiteChanges {
  readonly site: Site;
  /** of the branches that the site has in the file */
  readonly whens: readonly (When | undefined)[];
  readonly cells: readonly CellChanges[];
}

/**
 * The text of a scenario file with other expectations. Only the changed parts are replaced; everything else stays byte
 * for byte, including comments and layout. If cells differ, a branch becomes several. Throws LabError if the way the
 * file is written leaves no place for the change.
 */
export function editScenario(text: string, sites: readonly SiteChanges[]): string {
  const wanted = sites.filter(({ cells }) => cells.some(({ changes }) => changes.length > 0));
  checkShared(text, { sites, wanted });
  const done = new Set<number>();
  return wanted.reduce((before, one) => {
    const start = startOfExpect(text, one.site);
    if (start !== undefined && done.has(start)) return before; // the same node, through an alias
    if (start !== undefined) done.add(start);
    return editSite(before, one);
  }, text);
}

type Path = readonly (string | number)[];

/** Where the `expect` of a site starts, after aliases are resolved; undefined if there is none. */
function startOfExpect(text: string, site: Site): number | undefined {
  const found = at(parse(text), pathOf(text, site));
  return found?.range?.[0];
}

/** An expectation that several places share through an alias can only be changed for all of them. */
function checkShared(
  text: string,
  { sites, wanted }: { readonly sites: readonly SiteChanges[]; readonly wanted: readonly SiteChanges[] },
): void {
  for (const one of wanted) {
    const start = startOfExpect(text, one.site);
    if (start === undefined) continue;
    for (const other of sites) {
      if (other === one || startOfExpect(text, other.site) !== start) continue;
      const differs = other.cells.some(({ cell, changes }) => {
        const same = one.cells.find((own) => own.cell === cell);
        return same !== undefined && JSON.stringify(same.changes) !== JSON.stringify(changes);
      });
      if (differs)
        throw new LabError(
          `the expectation in line ${lineOf(text, start)} stands in several places by an alias, and not in all of them came the same; write it out in each`,
        );
    }
  }
}

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

function editSite(text: string, { site, whens, cells }: SiteChanges): string {
  if (whens.length === 0) return insertExpect(text, { site, cells });
  const several = isSeq(at(parse(text), pathOf(text, site)));
  let after = text;
  for (let branch = whens.length - 1; branch >= 0; branch -= 1) {
    const groups = groupsOf(cells.filter((one) => one.branch === branch));
    const path: Path = several ? [...pathOf(text, site), branch] : pathOf(text, site);
    const [only] = groups;
    if (only === undefined) continue;
    if (groups.length === 1) after = edited(after, { path, changes: only.changes });
    else {
      const before = after;
      const items = itemsOf(groups, {
        within: whens[branch],
        entries: (changes) => entriesOf(edited(before, { path, changes }), path),
      });
      after = replaceBranch(after, { path, several, items });
    }
  }
  return after;
}

interface Group {
  readonly changes: readonly Change[];
  readonly cells: readonly BranchCell[];
}

/** Groups of cells with the same changes, in the order of the matrix. */
function groupsOf(cells: readonly CellChanges[]): readonly Group[] {
  const groups = new Map<string, { changes: readonly Change[]; cells: BranchCell[] }>();
  for (const { cell, changes } of cells) {
    const key = JSON.stringify(changes.map(({ path, value }) => [path, value]));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { changes, cells: [cell] });
    else group.cells.push(cell);
  }
  return [...groups.values()];
}

/** One branch of a list: its `when`, and each other key with its value as text. */
interface Item {
  readonly when: When;
  readonly entries: readonly string[];
}

function itemsOf(
  groups: readonly Group[],
  options: {
    readonly within: When | undefined;
    readonly entries: (changes: readonly Change[]) => readonly string[];
  },
): readonly Item[] {
  const whens = whensFor(
    groups.map((group) => group.cells),
    options.within,
  );
  if (whens === undefined)
    throw new LabError('cells differ that no version and no axis of the matrix distinguishes');
  return groups.flatMap(({ changes }, index) =>
    (whens[index] ?? []).map((when) => ({ when, entries: options.entries(changes) })),
  );
}

const whenText = (when: When): string =>
  `{ ${Object.entries(when)
    .map(([name, range]) => `${scalarOf(name)}: ${/^\d+\.\d+\.\d+$/.test(range) ? range : scalarOf(range)}`)
    .join(', ')} }`;

// --- reading ---

const parse = (text: string): Document => parseDocument(text, { merge: true, uniqueKeys: false });

function at(document: Document, path: Path): Node | undefined {
  let node = resolved(document, document.contents);
  for (const key of path) {
    const next = isMap(node)
      ? pairOf(node, String(key))?.value
      : isSeq(node) && typeof key === 'number'
        ? node.items[key]
        : undefined;
    node = resolved(document, next as Node | null | undefined);
  }
  return node;
}

function resolved(document: Document, node: Node | null | undefined): Node | undefined {
  if (node === null || node === undefined) return undefined;
  return isAlias(node) ? node.resolve(document) : node;
}

const pairOf = (map: YAMLMap, name: string): Pair<Node, Node | null> | undefined =>
  map.items.find(({ key }) => isScalar(key) && String(key.value) === name) as
    Pair<Node, Node | null> | undefined;

/** The path of the `expect` of a site: for the only node or one of several; for the end, possibly an item of a list. */
function pathOf(text: string, site: Site): Path {
  if (site.at === 'step') {
    const [step, together] = site.number.split('.').map((number) => Number(number) - 1);
    return ['steps', step ?? 0, ...(together === undefined ? [] : ['parallel', together]), 'expect'];
  }
  if (site.at === 'end') return ['expect'];
  return at(parse(text), ['node']) === undefined ? ['nodes', site.node ?? '', 'expect'] : ['node', 'expect'];
}

function mapAt(text: string, path: Path): YAMLMap {
  const map = at(parse(text), path);
  if (isMap(map)) return map;
  throw new LabError(`"${path.join('.')}" is no mapping of its own that could be changed`);
}

const startOf = (node: Node): number => node.range?.[0] ?? 0;

/** Where a value ends, without the line breaks and comments after it. */
function endOf(text: string, node: Node | null, fallback: number): number {
  if (node === null || node.range === undefined || node.range === null) return fallback;
  const last = isMap(node) || isSeq(node) ? lastOf(node) : undefined;
  if (last !== undefined && !(node as YAMLMap | YAMLSeq).flow) {
    return endOf(text, last.node, last.fallback);
  }
  const [start, end] = node.range;
  return start + text.slice(start, end).trimEnd().length;
}

function lastOf(node: YAMLMap | YAMLSeq): { node: Node | null; fallback: number } | undefined {
  const last = node.items.at(-1);
  if (last === undefined) return undefined;
  if (isMap(node)) {
    const pair = last as Pair<Node, Node | null>;
    return { node: pair.value, fallback: (pair.key.range?.[1] ?? 0) + 1 };
  }
  return { node: last as Node, fallback: startOf(last as Node) };
}

const columnOf = (text: string, offset: number): number => offset - (text.lastIndexOf('\n', offset - 1) + 1);

const spliced = (
  text: string,
  { start, end, by }: { readonly start: number; readonly end: number; readonly by: string },
): string => text.slice(0, start) + by + text.slice(end);

// --- changing one branch ---

function edited(text: string, { path, changes }: { path: Path; changes: readonly Change[] }): string {
  if (changes.length === 0) return text;
  const after = inOrder(changes).reduce((before, { path: below, value }) => {
    const key = below.at(-1) ?? '';
    const outer = [...path, ...below.slice(0, -1)];
    const holder = at(parse(before), outer);
    if (isSeq(holder) && value === undefined) {
      const map = mapAt(before, outer.slice(0, -1));
      return holder.items.length > 1
        ? withoutItem(before, { items: holder.items as Node[], index: Number(key) })
        : withoutKey(before, { map, key: String(outer.at(-1)) });
    }
    if (isSeq(holder)) {
      const item = holder.items[Number(key)] as Node;
      return spliced(before, {
        start: startOf(item),
        end: endOf(before, item, startOf(item)),
        by: value ?? '',
      });
    }
    const [name = ''] = below;
    if (LISTS.includes(name) && below.length > 1) {
      const map = mapAt(before, path); // the only branch, not in a list
      return value === undefined
        ? withoutKey(before, { map, key: name })
        : withKey(before, { map, key: name, value });
    }
    if (value === undefined) return withoutKey(before, { map: mapAt(before, outer), key });
    return withKey(before, { map: mapAt(before, outer), key, value });
  }, text);
  const map = mapAt(after, path);
  const left = map.items.filter(({ key }) => !(isScalar(key) && key.value === 'when'));
  return left.length > 0 ? after : withKey(after, { map, key: 'ok', value: 'true' });
}

/** Keys whose value is one entry or a list of entries. */
const LISTS: readonly string[] = ['log', 'no-log', 'calls', 'no-calls'];

/** Items are removed last, from the end, so that the indexes of the others stay valid. */
const inOrder = (changes: readonly Change[]): readonly Change[] => {
  const isItem = ({ path: [name, key], value }: Change) =>
    LISTS.includes(name) && key !== undefined && value === undefined;
  const last = changes.filter(isItem).sort((a, b) => Number(b.path[1]) - Number(a.path[1]));
  return [...changes.filter((change) => !isItem(change)), ...last];
};

function withKey(
  text: string,
  { map, key, value }: { readonly map: YAMLMap; readonly key: string; readonly value: string },
): string {
  const pair = pairOf(map, key);
  const name = scalarOf(key);
  if (pair !== undefined) {
    const start = pair.key.range?.[1] ?? 0;
    return spliced(text, { start, end: endOf(text, pair.value, start + 1), by: `: ${value}` });
  }
  const last = map.items.at(-1) as Pair<Node, Node | null> | undefined;
  if (last === undefined) {
    const [start = 0, end = 0] = map.range ?? [];
    return spliced(text, { start, end, by: `{ ${name}: ${value} }` });
  }
  const end = endOf(text, last.value, (last.key.range?.[1] ?? 0) + 1);
  if (map.flow) return spliced(text, { start: end, end, by: `, ${name}: ${value}` });
  return insertLines(text, {
    after: end,
    lines: [`${name}: ${value}`],
    column: columnOf(text, startOf(map)),
  });
}

/** Inserts complete lines after the line in which something ends. */
function insertLines(
  text: string,
  { after, lines, column }: { after: number; lines: readonly string[]; column: number },
): string {
  const newline = text.indexOf('\n', after);
  const end = newline < 0 ? text.length : newline;
  const carriage = text[end - 1] === '\r' ? '\r' : '';
  const by = lines.map((line) => `\n${line === '' ? '' : ' '.repeat(column)}${line}${carriage}`).join('');
  return spliced(text, { start: end, end, by });
}

function withoutItem(
  text: string,
  { items, index }: { readonly items: readonly Node[]; readonly index: number },
): string {
  const [before, item, next] = [items[index - 1], items[index], items[index + 1]];
  if (item === undefined) return text;
  if (next !== undefined) return spliced(text, { start: startOf(item), end: startOf(next), by: '' });
  const start = before === undefined ? startOf(item) : endOf(text, before, startOf(before));
  return spliced(text, { start, end: endOf(text, item, startOf(item)), by: '' });
}

function withoutKey(text: string, { map, key }: { readonly map: YAMLMap; readonly key: string }): string {
  const index = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  const pair = map.items[index] as Pair<Node, Node | null> | undefined;
  if (pair === undefined) return text;
  const start = startOf(pair.key);
  const end = endOf(text, pair.value, (pair.key.range?.[1] ?? 0) + 1);
  const next = map.items[index + 1] as Pair<Node, Node | null> | undefined;
  if (next !== undefined) return spliced(text, { start, end: startOf(next.key), by: '' });
  const before = map.items[index - 1] as Pair<Node, Node | null> | undefined;
  if (before === undefined)
    return spliced(text, map.flow ? { start, end, by: '' } : { start, end, by: '{}' });
  return spliced(text, {
    start: endOf(text, before.value, (before.key.range?.[1] ?? 0) + 1),
    end,
    by: '',
  });
}

// --- making several branches of one ---

/**
 * The keys of a branch except `when`, with their values as they are written. Lines after the first are indented from 0.
 */
function entriesOf(text: string, path: Path): readonly string[] {
  const map = mapAt(text, path);
  const column = columnOf(text, startOf(map));
  const pairs = map.items as readonly Pair<Node, Node | null>[];
  return pairs.flatMap((pair) => {
    if (isScalar(pair.key) && pair.key.value === 'when') return [];
    const start = startOf(pair.key);
    const source = text.slice(start, endOf(text, pair.value, (pair.key.range?.[1] ?? 0) + 1));
    const [first = '', ...more] = source.split('\n');
    return [
      [first, ...more.map((line) => (map.flow ? line.trim() : line.slice(column)))].join(
        map.flow ? ' ' : '\n',
      ),
    ];
  });
}

function replaceBranch(
  text: string,
  {
    path,
    several,
    items,
  }: { readonly path: Path; readonly several: boolean; readonly items: readonly Item[] },
): string {
  const map = mapAt(text, path);
  const outer = at(parse(text), path.slice(0, -1));
  const end = endOf(text, map, startOf(map));
  if (several) {
    const inFlow = isSeq(outer) && outer.flow === true;
    if (inFlow) return spliced(text, { start: startOf(map), end, by: items.map(flowItem).join(', ') });
    const dash = text.lastIndexOf('-', startOf(map));
    const column = columnOf(text, dash);
    return spliced(text, {
      start: dash,
      end,
      by: items.map((item) => blockItem(item, column)).join(`\n${' '.repeat(column)}`),
    });
  }
  const owner = isMap(outer) ? outer : undefined;
  const pair = owner === undefined ? undefined : pairOf(owner, 'expect');
  if (owner === undefined || pair === undefined || isAlias(pair.value))
    throw new LabError(
      `the expectation in line ${lineOf(text, startOf(map))} is not written where it holds; write it out`,
    );
  const start = pair.key.range?.[1] ?? 0;
  const anchor = map.anchor === undefined ? '' : ` &${map.anchor}`;
  if (owner.flow) return spliced(text, { start, end, by: `:${anchor} [${items.map(flowItem).join(', ')}]` });
  const column = columnOf(text, startOf(pair.key)) + 2;
  const lines = items.map((item) => `\n${' '.repeat(column)}${blockItem(item, column)}`);
  return spliced(text, { start, end, by: `:${anchor}${lines.join('')}` });
}

const blockItem = ({ when, entries }: Item, column: number): string =>
  [
    `- when: ${whenText(when)}`,
    ...entries.flatMap((entry) => entry.split('\n')).map((line) => `  ${line}`),
  ].join(`\n${' '.repeat(column)}`);

function flowItem({ when, entries }: Item): string {
  if (entries.some((entry) => entry.includes('\n')))
    throw new LabError(
      'an expectation of several lines stands in brackets; write it out in lines of its own',
    );
  return `{ ${[`when: ${whenText(when)}`, ...entries].join(', ')} }`;
}

// --- where there was none ---

const LONGEST_LINE = 110;

function insertExpect(text: string, { site, cells }: Pick<SiteChanges, 'site' | 'cells'>): string {
  const groups = groupsOf(cells);
  const entries = (changes: readonly Change[]): readonly string[] => {
    const written = changes.flatMap(({ path, value }) =>
      value === undefined ? [] : [`${path[0]}: ${value}`],
    );
    return written.length === 0 ? ['ok: true'] : written;
  };
  const items: readonly Item[] =
    groups.length > 1
      ? itemsOf(groups, { within: undefined, entries })
      : groups.map(({ changes }) => ({ when: {}, entries: entries(changes) }));
  const on = site.at === 'end' && site.node !== undefined ? [`on: ${scalarOf(site.node)}`] : [];
  const own = items.map((item) => ({ ...item, entries: [...on, ...item.entries] }));
  if (site.at === 'end') return insertAtEnd(text, own, on.length > 0);
  const path = pathOf(text, site).slice(0, -1);
  const map = mapAt(text, path);
  const written = at(parse(text), path.slice(0, -1));
  if (isSeq(written) && isAlias(written.items[Number(path.at(-1))]))
    throw new LabError(`the step in line ${lineOf(text, startOf(map))} stands in several places by an alias`);
  const last = map.items.at(-1) as Pair<Node, Node | null>;
  const end = endOf(text, last.value, (last.key.range?.[1] ?? 0) + 1);
  const column = columnOf(text, startOf(map));
  if (map.flow) return spliced(text, { start: end, end, by: `, expect: ${flowExpect(own)}` });
  return insertLines(text, { after: end, lines: expectLines(own, column), column });
}

function insertAtEnd(text: string, items: readonly Item[], severalNodes: boolean): string {
  const existing = at(parse(text), ['expect']);
  if (isSeq(existing) && !existing.flow) {
    const column = columnOf(text, startOf(existing));
    const end = endOf(text, existing, text.length);
    return insertLines(text, {
      after: end,
      lines: items.flatMap((item) => asItem(item).split('\n')),
      column,
    });
  }
  if (existing !== undefined) throw new LabError('the "expect" of the end is not a list in lines of its own');
  const lines = severalNodes
    ? ['expect:', ...items.flatMap((item) => `  ${asItem(item).replaceAll('\n', '\n  ')}`.split('\n'))]
    : expectLines(items, 0);
  return `${text.trimEnd()}\n\n${lines.join('\n')}\n`;
}

/** As an item of a list, with its `when` if it has one. */
const asItem = (item: Item): string =>
  Object.keys(item.when).length > 0 ? blockItem(item, 0) : `- { ${item.entries.join(', ')} }`;

function expectLines(items: readonly Item[], column: number): readonly string[] {
  const [only] = items;
  if (only !== undefined && Object.keys(only.when).length === 0) {
    const line = `expect: { ${only.entries.join(', ')} }`;
    if (column + line.length <= LONGEST_LINE) return [line];
    return ['expect:', ...only.entries.map((entry) => `  ${entry}`)];
  }
  return [
    'expect:',
    ...items.flatMap((item) =>
      blockItem(item, 0)
        .split('\n')
        .map((line) => `  ${line}`),
    ),
  ];
}

function flowExpect(items: readonly Item[]): string {
  const [only] = items;
  if (only !== undefined && Object.keys(only.when).length === 0) return `{ ${only.entries.join(', ')} }`;
  return `[${items.map(flowItem).join(', ')}]`;
}
