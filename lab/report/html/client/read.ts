import type { Report as Written, ReportIndex, RunDetail, RunRow } from './data.ts';

/** Where the rest of the report is. */
interface Blocks {
  /** for each block of shared texts, the number of texts before it */
  readonly texts: readonly number[];
  /** the number of blocks of rows */
  readonly rowBlocks: number;
}

/** The report in this page, and functions to read more of it. */
export type Report = Written & Blocks;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const blocks = new Map<string, Promise<Json>>();

/** A block of the page, decompressed. The same block is not read twice in a row. */
function readBlock(id: string): Promise<Json> {
  const known = blocks.get(id);
  if (known !== undefined) return known;
  const read = readOnce(id);
  if (blocks.size > 24) blocks.clear();
  blocks.set(id, read);
  return read;
}

const readOnce = async (id: string): Promise<Json> =>
  JSON.parse(await decompress(document.getElementById(id)?.textContent ?? '')) as Json;

async function decompress(base64: string): Promise<string> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).text();
}

/** The index, which the lab writes last. A report without it is incomplete. */
export async function readReport(): Promise<Report> {
  if (document.getElementById('index') === null)
    throw new Error('This report is not complete. The lab ended before it was written.');
  const index = (await readBlock('index')) as unknown as ReportIndex & Blocks;
  const runs: RunRow[] = [];
  for (let block = 0; block < index.rowBlocks; block += 1)
    for (const row of (await readOnce(`rows-${block}`)) as unknown as readonly RunRow[]) runs.push(row);
  return { ...index, runs };
}

/** The details of a run; undefined if this page does not have them. */
export async function readDetail(report: Report, { at }: RunRow): Promise<RunDetail | undefined> {
  if (at === undefined) return undefined;
  const block = (await readBlock(`details-${at[0]}`)) as Json[];
  return (await withTexts(block[at[1]] ?? null, report.texts)) as unknown as RunDetail;
}

/** Replaces references with the shared texts. */
async function withTexts(value: Json, starts: readonly number[]): Promise<Json> {
  const needed = new Set<number>();
  visit(value, (at) => needed.add(blockAt(starts, at)));
  const texts = new Map<number, Json[]>();
  for (const block of needed) texts.set(block, (await readBlock(`texts-${block}`)) as Json[]);
  const fill = (one: Json): Json => {
    if (Array.isArray(one)) return one.map(fill);
    if (typeof one !== 'object' || one === null) return one;
    const at = one['$'];
    if (typeof at === 'number') {
      const block = blockAt(starts, at);
      return texts.get(block)?.[at - (starts[block] ?? 0)] ?? '';
    }
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, fill(inner)]));
  };
  return fill(value);
}

function visit(value: Json, found: (at: number) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value) && typeof value['$'] === 'number') return found(value['$']);
  for (const inner of Array.isArray(value) ? value : Object.values(value)) visit(inner, found);
}

/** The block that contains the text with this number. */
const blockAt = (starts: readonly number[], at: number): number =>
  starts.findLastIndex((start) => start <= at);
