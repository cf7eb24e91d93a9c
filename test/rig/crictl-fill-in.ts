/**
 * Replaces values that differ from run to run with names: ids (in full, and as short as in a table), times, process
 * ids, addresses, names of namespaces and devices. Nothing else is changed, except that a column whose width depends
 * on an age becomes one space wide.
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
  [/(?<!sha256:)\b[0-9a-f]{64}\b/g, '<id>'], // of a failure, or of an exec; image ids are the same everywhere
  [/\bcni-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<netns>'],
  [/\b10\.88\.\d+\.\d+\b/g, '<ip>'],
  [/\bveth[0-9a-f]{8}\b/g, '<veth>'],
  [/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '<mac>'],
];
