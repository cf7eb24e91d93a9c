/**
 * Puts names in the place of what differs from run to run: ids (whole, and as long as a table shows them), times, process
 * ids, addresses, the names of namespaces and devices. Nothing else is touched; a column that is as wide as an age is
 * made one space wide.
 */
export function fillInVarying(text: string, ids: ReadonlyMap<string, string>): string {
  const named = [...ids].reduce(
    (filled, [name, id]) =>
      filled.replaceAll(id, `<${name}>`).replaceAll(id.slice(0, TABLE_ID_LENGTH), `<${name}…>`),
    text,
  );
  return VARYING.reduce((filled, [pattern, name]) => filled.replace(pattern, name), named);
}

const TABLE_ID_LENGTH = 13;

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/^([EI])\d{4} [\d:.]+ +\d+ /gm, '$1<time and pid> '], // klog
  [/\b\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /g, '<time> '], // Go's log
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>'], // RFC 3339
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+\d{4} UTC/g, '<time>'], // Go's default
  [/\b\d{19}\b/g, '<nanoseconds>'],
  [/(Less than a second|About a minute|\d+ (second|minute)s?) ago *| {3}CREATED *|CREATED +/g, '<age> '],
  [/("?pid"?: )\d+/g, '$1<pid>'],
  [/\/proc\/\d+\//g, '/proc/<pid>/'],
  [/(?<!sha256:)\b[0-9a-f]{64}\b/g, '<id>'], // of what failed, or of an exec; images have the same everywhere
  [/\bcni-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<netns>'],
  [/\b10\.88\.\d+\.\d+\b/g, '<ip>'],
  [/\bveth[0-9a-f]{8}\b/g, '<veth>'],
  [/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '<mac>'],
];
