import validRange from 'semver/ranges/valid.js';

import { NODE_COMPONENTS } from '../core/components.ts';
import { err, ok, unreachable, type Result } from '../core/lab-error.ts';
import { didYouMean, type Diagnostic } from './diagnostic.ts';
import { IN_EVERY_TEXT, isInEveryText, scanTemplate, type CaptureType } from './template.ts';
import type { AxisValue, Mention, Mentioned, NumbersKept, Reach, Subject } from './mention.ts';
import { STANDARD_PLUGINS } from './node-shape.ts';
import type { Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';
import { LISTING_VERBS } from './verbs/verbs.ts';
import { parseVersionSpec } from './version-spec.ts';
import { numberMistake } from './written-json.ts';
import type { YamlFile } from './yaml-file.ts';

/** The content of a file, or every mistake in it, including mistakes in references, in the order of the file. */
export function readWithReferences<T>(yaml: YamlFile, shape: Shape<T>): Result<T, readonly Diagnostic[]> {
  const read = yaml.root === undefined ? undefined : shape.read(yaml.root);
  for (const { spot, message, snippet, order } of checkReferences(yaml.mentions)) {
    spot.mistake(message, snippet, order);
  }
  return read === undefined || yaml.mistakes.length > 0 ? err(yaml.mistakes) : ok(read);
}

/** A wrong reference, and why. `snippet` is the wrong part of the value at `spot`. */
interface WrongReference {
  readonly spot: YamlValue;
  readonly message: string;
  readonly snippet?: string;
  readonly order: number;
}

/**
 * References to unknown names, and names that are defined twice, from everything that was read in a file, from top to
 * bottom.
 */
export function checkReferences(mentions: readonly Mentioned[]): readonly WrongReference[] {
  const known = new KnownNames();
  return mentions.flatMap(({ mention, spot, order }) =>
    [...known.check(mention, spot)].map((wrong) => ({ spot, order, ...wrong })),
  );
}

type Wrong = Pick<WrongReference, 'message' | 'snippet'> & { readonly spot?: YamlValue };

/** A name and its place. */
interface Named {
  readonly name: string;
  readonly spot: YamlValue;
}

/** A step that continues while others are executed: its node, and what it creates. */
interface Background {
  readonly line: number;
  readonly on: string | undefined;
  readonly made: { readonly what: Subject; readonly name: string }[];
}

const HALF_A_PAIR = /\p{Surrogate}/u;
const NO_TEXT =
  'this holds half a character (\\uD800 to \\uDFFF), which no file and no command can; take bytes from a file, with { from: ./x }';
const ONLY_AXES =
  'only ${matrix.AXIS} can stand here, as this is fixed before anything runs; write "$${" for the characters themselves';
const POD_FACTS = ['id', 'ip', 'ip6', 'netns'];

/** The names that a file has defined before the current mention, so that it can refer to them. */
class KnownNames {
  readonly #axes = new Map<string, readonly AxisValue[]>();
  readonly #declaredPods: Named[] = [];
  #nodes: readonly string[] = [];
  #isCluster = false;
  /** what the mention is about, where there are several nodes */
  #node: string | undefined;
  /** pods and containers, and the node on which they are created */
  readonly #madeOn = new Map<string, string | undefined>();
  readonly #made: Readonly<Record<Subject, Set<string>>> = { pod: new Set(), container: new Set() };
  readonly #backgrounds = new Map<string, Background>();
  readonly #listeners = new Map<string, Pick<Background, 'line' | 'on'>>();
  /** the one that is being read */
  #step: Background | undefined;
  /** those that are started together with it */
  #together: Background[] = [];
  readonly #captures = new Map<string, CaptureType>();
  readonly #plugins: Named[] = [];
  readonly #removedConfigs: Named[] = [];
  /** words of texts: types in a conflist, paths, programs */
  readonly #words = new Set<string>();
  /** verb of the step that contains the mention; none before the first step, and at the end */
  #verb: string | undefined;

  /** What is wrong with a mention. A name that it defines is known from now on. */
  check(mention: Mention, spot: YamlValue): Iterable<Wrong> {
    switch (mention.kind) {
      case 'axis':
        this.#axes.set(mention.axis, mention.values);
        return [];
      case 'declared-pod':
        this.#declaredPods.push({ name: mention.name, spot });
        return [];
      case 'nodes':
        this.#nodes = mention.names;
        return [];
      case 'cluster':
        this.#isCluster = true;
        return [];
      case 'node-name':
        return this.#nodes.includes(mention.name)
          ? []
          : [{ message: `there is no node "${mention.name}"${choices(mention.name, this.#nodes)}` }];
      case 'on-cluster':
        this.#leaveBackground();
        [this.#node] = this.#nodes; // the control plane is the first
        return this.#isCluster
          ? []
          : [{ message: `${mention.what} is about a cluster, and this file has none: write "cluster"` }];
      case 'on':
        this.#leaveBackground();
        this.#node = mention.node;
        return this.#checkOn(mention.node, mention.what);
      case 'step':
        this.#verb = mention.verb;
        return [];
      case 'background':
        return this.#goOn(mention.name, spot);
      case 'background-end':
        return this.#endBackground(mention.name);
      case 'together':
        this.#leaveBackground();
        this.#step = { line: spot.place.line, on: this.#node, made: [] };
        this.#together.push(this.#step);
        return [];
      case 'together-end':
        this.#leaveBackground();
        for (const one of this.#together) this.#makeKnown(one);
        this.#together = [];
        return [];
      case 'listener':
        return this.#listen(mention.name, spot);
      case 'killed':
        return this.#kill(mention.name);
      case 'steps-read':
        this.#leaveBackground();
        for (const one of this.#backgrounds.values()) this.#makeKnown(one);
        return this.#neverKnown();
      case 'end':
        this.#verb = undefined;
        return [];
      case 'made':
        return this.#make(mention.what, mention.name);
      case 'used':
        return this.#use(mention.what, mention.name);
      case 'text':
        return this.#checkText(mention.text, mention.reach);
      case 'part':
        return isInEveryText(mention.text, (axis) => this.#valuesOf(axis).map(({ text }) => text))
          ? [{ message: IN_EVERY_TEXT }]
          : [];
      case 'version-axis':
        return this.#checkVersions(mention.axis);
      case 'number-axis':
        return this.#checkNumbers(mention.axis, mention.numbers);
      case 'when-name':
        return this.#checkWhenName(mention.name);
      case 'when-range':
        return this.#checkWhenRange(mention);
      case 'plugin':
        this.#plugins.push({ name: mention.name, spot });
        return [];
      case 'removed-config':
        this.#removedConfigs.push({ name: mention.name, spot });
        return [];
      case 'words':
        this.#readWords(mention.text);
        return [];
      default:
        return unreachable(mention);
    }
  }

  #valuesOf(axis: string): readonly AxisValue[] {
    return this.#axes.get(axis) ?? [];
  }

  #checkOn(node: string | undefined, what: string): readonly Wrong[] {
    const nodes = this.#nodes;
    if (nodes.length === 0) {
      const message = 'this file has one node, which has no name: leave "on" out';
      return node === undefined ? [] : [{ message }];
    }
    if (node === undefined)
      return [{ message: `${what} says which node it is about: on: ${nodes.join(' or ')}` }];
    return nodes.includes(node) ? [] : [{ message: `there is no node "${node}"${choices(node, nodes)}` }];
  }

  /** A pod or a container only exists on the node where it was created. */
  #checkNodeOf(name: string): readonly Wrong[] {
    const on = this.#madeOn.get(name);
    if (on === undefined || this.#node === undefined || on === this.#node) return [];
    return [{ message: `"${name}" is on ${on}, and this is about ${this.#node}` }];
  }

  #make(what: Subject, name: string): readonly Wrong[] {
    const elsewhere = this.#checkNodeOf(name);
    if (elsewhere.length > 0) return elsewhere;
    this.#madeOn.set(name, this.#node);
    this.#made[what].add(name);
    this.#step?.made.push({ what, name });
    if (what === 'pod') {
      return this.#made.container.has(name)
        ? [{ message: `"${name}" is a container already; give the pod another name` }]
        : [];
    }
    return this.#made.pod.has(name) || this.#declaredPods.some((pod) => pod.name === name)
      ? [{ message: `"${name}" is a pod already; give the container another name` }]
      : [];
  }

  /** A step in the background starts. */
  #goOn(name: string, spot: YamlValue): readonly Wrong[] {
    const taken = this.#takenBy(name);
    if (taken.length > 0) return taken;
    this.#step = { line: spot.place.line, on: this.#node, made: [] };
    this.#backgrounds.set(name, this.#step);
    return [];
  }

  #takenBy(name: string): readonly Wrong[] {
    const first = this.#backgrounds.get(name) ?? this.#listeners.get(name);
    return first === undefined
      ? []
      : [{ message: `the step in line ${first.line} is called "${name}" already; take another name` }];
  }

  #listen(name: string, spot: YamlValue): readonly Wrong[] {
    const taken = this.#takenBy(name);
    if (taken.length === 0) this.#listeners.set(name, { line: spot.place.line, on: this.#node });
    return taken;
  }

  #kill(name: string): readonly Wrong[] {
    const listener = this.#listeners.get(name);
    if (listener !== undefined) return this.#wrongNode(name, listener);
    if (this.#backgrounds.has(name)) return this.#endBackground(name);
    const known = [...this.#backgrounds.keys(), ...this.#listeners.keys()];
    const message = `no step before this goes on in the background as "${name}", and no listener has that name`;
    return [{ message: `${message}${choices(name, known)}` }];
  }

  #wrongNode(name: string, { on }: Pick<Background, 'on'>): readonly Wrong[] {
    return on === this.#node
      ? []
      : [{ message: `"${name}" goes on on ${on ?? ''}, and this is about ${this.#node ?? ''}` }];
  }

  /** What it creates is available for its own expectations, and otherwise only after a step has waited for its end. */
  #leaveBackground(): void {
    for (const { what, name } of this.#step?.made ?? []) this.#made[what].delete(name);
    this.#step = undefined;
  }

  #endBackground(name: string): readonly Wrong[] {
    const background = this.#backgrounds.get(name);
    if (background === undefined) {
      const known = [...this.#backgrounds.keys()];
      return [
        { message: `no step before this goes on in the background as "${name}"${choices(name, known)}` },
      ];
    }
    const elsewhere = this.#wrongNode(name, background);
    if (elsewhere.length === 0) this.#makeKnown(background);
    return elsewhere;
  }

  #makeKnown({ made }: Background): void {
    for (const { what, name } of made) this.#made[what].add(name);
  }

  /** Why a name is not known yet, although a step has created it. */
  #notYet(name: string): string | undefined {
    const makes = ({ made }: Background) => made.some((one) => one.name === name);
    if (this.#together.some(makes))
      return `"${name}" is made by another step of this "parallel", which is started at the same time`;
    const [background] = [...this.#backgrounds].find(([, one]) => makes(one)) ?? [];
    return background === undefined
      ? undefined
      : `"${name}" is made by a step in the background; wait for it first, with wait-for: { background: ${background} }`;
  }

  #use(what: Subject, name: string): readonly Wrong[] {
    const known = [...this.#made[what]];
    if (known.includes(name)) return this.#checkNodeOf(name);
    const notYet = this.#notYet(name);
    if (notYet !== undefined) return [{ message: notYet }];
    const makes = what === 'pod' ? 'runs pod' : 'creates container';
    return [{ message: `no step before this ${makes} "${name}"${choices(name, known)}` }];
  }

  #readWords(text: string): void {
    for (const [word] of text.matchAll(/[A-Za-z0-9][A-Za-z0-9_.-]*/g)) this.#words.add(word);
  }

  /** What was declared but never used, or mentioned but never called. */
  *#neverKnown(): Iterable<Wrong> {
    for (const { text } of [...this.#axes.values()].flat()) this.#readWords(text);
    for (const { name, spot } of this.#plugins) {
      if (STANDARD_PLUGINS.includes(name) || this.#words.has(name)) continue;
      const meant = didYouMean(name, [...STANDARD_PLUGINS, ...this.#words]);
      const wayOut = meant || '; name it in a conflist, or correct it';
      yield { spot, message: `"${name}" is no standard plugin, and nothing in this file calls it${wayOut}` };
    }
    for (const { name, spot } of this.#removedConfigs) {
      const near = this.#words.has(name) ? '' : didYouMean(name, [...this.#words]);
      if (near !== '') yield { spot, message: `nothing in this file writes "${name}"${near}` };
    }
    for (const { name, spot } of this.#declaredPods) {
      if (this.#made.pod.has(name)) continue;
      yield { spot, message: `pod "${name}" is never run; add a step "run-pod: ${name}" or take it out` };
    }
  }

  *#checkText(text: string, reach: Reach): Iterable<Wrong> {
    if (reach !== 'expectation') {
      this.#readWords(text);
      if (HALF_A_PAIR.test(text)) yield { message: NO_TEXT };
    }
    if (!text.includes('${')) return;
    const { parts, problems } = scanTemplate(text);
    yield* problems;
    for (const part of parts) {
      if (part.kind === 'literal') continue;
      const message =
        part.kind === 'ref' ? this.#wrongRef(part.name, reach) : this.#wrongCapture(part, reach);
      const snippet = part.kind === 'ref' ? `\${${part.name}}` : `\${${part.name}:${part.type}}`;
      if (message !== undefined) yield { message, snippet };
    }
  }

  #wrongRef(name: string, reach: Reach): string | undefined {
    const [subject = '', fact] = name.split('.');
    if (fact === undefined) return this.#wrongName(subject, reach);
    if (subject === 'matrix') {
      const axes = [...this.#axes.keys()];
      if (axes.includes(fact)) return undefined;
      return axes.length === 0
        ? `there is no matrix; add one with an axis "${fact}"`
        : `the matrix has no axis "${fact}"${choices(fact, axes)}`;
    }
    if (reach === 'matrix') return ONLY_AXES;
    if (subject === 'listed') {
      if (fact !== 'id') return `a listed pod has an id; got "${fact}"`;
      if (reach === 'expectation' && LISTING_VERBS.some((verb) => verb === this.#verb)) return undefined;
      return `\${listed.id} is known to the expectations of ${LISTING_VERBS.join(' and ')} only`;
    }
    const { pod: pods, container: containers } = this.#made;
    if (pods.has(subject))
      return POD_FACTS.includes(fact) ? undefined : `a pod has ${POD_FACTS.join(', ')}; got "${fact}"`;
    if (containers.has(subject)) return fact === 'id' ? undefined : `a container has an id; got "${fact}"`;
    const notYet = this.#notYet(subject);
    if (notYet !== undefined) return notYet;
    const known = [...pods, ...containers];
    return `no step up to here runs pod "${subject}" or creates a container of that name${choices(subject, known)}`;
  }

  #wrongName(name: string, reach: Reach): string | undefined {
    if (reach !== 'expectation') {
      return `"${name}" is not known here; write "$\${${name}}" for the characters themselves`;
    }
    if (this.#captures.has(name)) return undefined;
    return `nothing was captured as "${name}"${didYouMean(name, [...this.#captures.keys()])}; write "\${${name}:word}" to capture it, "$\${${name}}" for the characters themselves`;
  }

  #wrongCapture({ name, type }: { name: string; type: CaptureType }, reach: Reach): string | undefined {
    if (reach === 'matrix') return ONLY_AXES;
    if (reach !== 'expectation')
      return 'only expectations can capture; steps know pods and containers, as ${web.id}';
    const before = this.#captures.get(name);
    if (before !== undefined && before !== type)
      return `"${name}" was captured as ${before} before; got ${type}`;
    this.#captures.set(name, type);
    return undefined;
  }

  *#checkVersions(axis: string): Iterable<Wrong> {
    for (const { text, spot } of this.#valuesOf(axis)) {
      const version = text === 'none' ? undefined : parseVersionSpec(text);
      if (version?.ok === false) yield { spot, message: version.error };
    }
  }

  *#checkNumbers(axis: string, numbers: NumbersKept): Iterable<Wrong> {
    for (const { text, plain, spot } of this.#valuesOf(axis)) {
      const isNumber = plain && text !== 'true' && text !== 'false';
      const message = isNumber ? numberMistake(text, numbers) : undefined;
      if (message !== undefined) yield { spot, message };
    }
  }

  #checkWhenName(name: string): readonly Wrong[] {
    const ofCluster = this.#isCluster ? (['kubernetes', 'etcd'] as const) : [];
    const known = [...new Set([...NODE_COMPONENTS, ...ofCluster, ...this.#axes.keys()])];
    if (known.some((one) => one === name)) return [];
    const hint = didYouMean(name, known) || ';';
    return [{ message: `"${name}" is neither a component nor an axis${hint} known: ${known.join(', ')}` }];
  }

  #checkWhenRange({ name, range }: { name: string; range: string }): readonly Wrong[] {
    const values = this.#valuesOf(name).map(({ text }) => text);
    if (values.includes(range) || (range.trim() !== '' && validRange(range) !== null)) return [];
    const shown = values.map((value) => (value === '' ? "''" : value)).join(', ');
    const orValue = values.length === 0 ? '' : `, or one of the axis' values (${shown})`;
    return [{ message: `wanted a range such as ">=1.6.0 <1.6.4"${orValue}; got ${JSON.stringify(range)}` }];
  }
}

function choices(name: string, known: readonly string[]): string {
  if (known.length === 0) return '; none so far';
  return `${didYouMean(name, known) || ';'} known: ${known.join(', ')}`;
}
